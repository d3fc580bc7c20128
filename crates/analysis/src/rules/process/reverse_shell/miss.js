const net = require("net");
const { spawn } = require("child_process");

spawn("make", ["all"]).stdout.pipe(process.stdout);
net.connect(5432, "db.example.org");
