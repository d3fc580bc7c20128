const os = require("os");

module.exports = () => os.networkInterfaces();
