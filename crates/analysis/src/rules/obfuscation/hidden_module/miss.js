const config = JSON.parse(require("fs").readFileSync("plugins.json", "utf8"));
module.exports = config.plugins.map((name) => require(name));
