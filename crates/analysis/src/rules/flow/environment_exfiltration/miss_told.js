const https = require("https");
const { HttpsProxyAgent } = require("https-proxy-agent");

https.get("https://api.example.org/v1", { agent: new HttpsProxyAgent(process.env.PROXY_SECRET), timeout: process.env.WAIT_TOKEN });
fetch("http://localhost:3000/", { method: "POST", body: JSON.stringify(process.env) });
fetch(process.env.SERVICE_URL);
