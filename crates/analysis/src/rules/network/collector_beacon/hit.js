const dns = require("dns");

dns.lookup("demo.00000000.oast.fun", () => {});
