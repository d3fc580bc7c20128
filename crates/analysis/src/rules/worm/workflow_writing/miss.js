const fs = require("fs");

fs.writeFileSync("workflows.json", "{}");
