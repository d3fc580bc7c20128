const dns = require("dns");

dns.lookup("registry.npmjs.org", () => {});
