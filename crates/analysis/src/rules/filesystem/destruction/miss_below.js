const fs = require("fs-extra");

// Folders of the program's own below the one that it works in.
fs.remove(process.cwd() + "/.cache/demo");
fs.remove(process.cwd() + `/public/demo`);
