const { execFileSync, spawn } = require("child_process");
const path = require("path");
spawn("npm", ["run", "build"], { cwd: __dirname });
execFileSync(process.execPath, [path.join(__dirname, "build.js")]);
