const screenshot = require("screenshot-desktop");

module.exports = () => screenshot({ filename: "page.png" });
