const path = require("path");
const { spawn } = require("child_process");

spawn("cmd.exe", ["/c", path.join(__dirname, "start.bat")], { detached: true, windowsHide: true, stdio: "ignore" }).unref();
