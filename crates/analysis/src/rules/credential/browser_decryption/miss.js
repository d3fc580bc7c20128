const path = require("path");

module.exports = (home) => path.join(home, "Google/Chrome/User Data");
