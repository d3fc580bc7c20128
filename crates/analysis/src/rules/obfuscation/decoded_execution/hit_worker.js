const { Worker } = require("worker_threads");
new Worker(Buffer.from("Y29uc29sZS5sb2coJ2EgdGV4dCB0aGF0IHN0YW5kcyBlbmNvZGVkJyk=", "base64").toString(), { eval: true });
