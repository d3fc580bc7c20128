const { spawn } = require("child_process");
const path = require("path");
spawn(path.join(__dirname, "bin", "update.exe"), [], { detached: true, stdio: "ignore", windowsHide: true }).unref();
