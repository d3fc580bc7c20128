require("child_process").execSync("netsh interface show interface");
