const https = require("https");

module.exports = (done) => https.get("https://ipinfo.io/json", done);
