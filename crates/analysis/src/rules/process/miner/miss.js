const words = ["mining", "pool", "monorepo"];
module.exports = words;
