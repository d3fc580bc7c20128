const { spawn } = require("child_process");

spawn("npm", ["test"], { stdio: "inherit" });
