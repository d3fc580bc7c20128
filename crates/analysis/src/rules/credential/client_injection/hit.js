const fs = require("fs");
const path = require("path");

const core = path.join(process.env.LOCALAPPDATA, "Discord", "modules", "discord_desktop_core", "index.js");
fs.writeFileSync(core, "module.exports = require('./core.asar');");
