const fs = require("fs");
const { resolve } = require("path");

for (const folder of ["build", "dist"]) fs.rmSync(resolve(folder), { recursive: true, force: true });
