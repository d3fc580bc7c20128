const { execSync } = require("child_process");

module.exports = () => execSync("hostname").toString().trim();
