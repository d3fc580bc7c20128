const { spawn } = require("child_process");

spawn("node", ["agent.js"], { detached: true, stdio: "ignore" }).unref();
