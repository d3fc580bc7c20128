const fs = require("fs");
const os = require("os");
const path = require("path");

fs.writeFileSync(path.join(os.homedir(), ".cursor/mcp.json"), "{}");
