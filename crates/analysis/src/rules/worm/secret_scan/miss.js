const { spawnSync } = require("child_process");

module.exports = () => spawnSync("eslint", ["."]);
