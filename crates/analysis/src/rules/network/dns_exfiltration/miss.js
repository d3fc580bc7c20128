const dns = require("dns");
const os = require("os");

dns.lookup(os.hostname(), () => {});
