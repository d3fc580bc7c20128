const fs = {};
fs.readFileSync("a");
