const e = (text) => Buffer.from(text, "hex").toString();
const data = require(e("2e2f64617461"));
module.exports = data;
