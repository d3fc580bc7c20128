const child = require("child_process");

function run(command, done) {
  child.exec(command, done);
}

run("git rev-parse HEAD", () => run("npm run build", () => {}));
