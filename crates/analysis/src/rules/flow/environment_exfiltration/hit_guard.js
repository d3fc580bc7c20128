const https = require("https");
const os = require("os");

function report(data) {
  const request = https.request("https://status.example.org/v1", { method: "POST" });
  request.write(JSON.stringify(data));
  request.end();
}

if (require.main === module) {
  fetch("https://status.example.org/v1", { method: "POST", body: os.hostname() }).then((answer) => report(answer));
}
module.exports = report;
