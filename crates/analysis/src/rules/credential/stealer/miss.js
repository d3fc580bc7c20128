const fs = require("fs");
const os = require("os");
const path = require("path");

module.exports = () => fs.readFileSync(path.join(os.homedir(), ".npmrc"), "utf8");
