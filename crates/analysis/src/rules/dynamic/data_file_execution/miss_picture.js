const { PNG } = require("pngjs");

exports.size = (bytes) => {
  const { width, height } = PNG.sync.read(bytes);
  return new Function("return " + width * height)();
};
