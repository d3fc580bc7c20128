const fs = require("fs");

fs.writeFileSync("settings.json", "{}");
