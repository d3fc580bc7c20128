const clipboard = require("clipboardy");

exports.copy = (text) => clipboard.writeSync(text);
