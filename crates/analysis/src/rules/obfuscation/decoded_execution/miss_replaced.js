// Entities are decoded and shown, and a worker is a file of the package.
const { Worker } = require("worker_threads");

exports.text = (html) => html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
exports.start = (data) => new Worker("./worker.js", { workerData: data, eval: false });
