const fs = require("fs");
fs.appendFileSync(`${process.env.HOME}/.config/autostart/x.desktop`, "x");
