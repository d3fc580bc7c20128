require("child_process").execSync("netsh advfirewall set allprofiles state off");
