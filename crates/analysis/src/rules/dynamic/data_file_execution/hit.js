const fs = require("fs");
eval(fs.readFileSync("data.json", "utf8"));
