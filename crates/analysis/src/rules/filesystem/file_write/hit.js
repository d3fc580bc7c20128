import fs from "node:fs";
fs.promises.writeFile("a", "b");
