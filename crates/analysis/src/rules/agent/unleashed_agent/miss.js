const { spawnSync } = require("child_process");

module.exports = (prompt) => spawnSync("claude", ["-p", prompt]);
