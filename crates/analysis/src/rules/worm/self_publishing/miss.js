const { execSync } = require("child_process");

execSync("npm pack --dry-run");
