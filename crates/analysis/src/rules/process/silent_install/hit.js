const { execSync } = require("child_process");

execSync("npm install --no-save https://files.example.org/helper.tgz");
