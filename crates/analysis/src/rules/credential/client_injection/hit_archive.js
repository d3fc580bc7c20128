const asar = require("@electron/asar");
const fs = require("fs");
const path = require("path");
const { find } = require("./find");

async function patch(folder) {
  const file = find();
  asar.extractAll(file, folder);
  fs.copyFileSync(path.join(__dirname, "index_a.js"), path.join(folder, "src/index.js"));
  await asar.createPackage(folder, file);
}

patch("/tmp/folder");
