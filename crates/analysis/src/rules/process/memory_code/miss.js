const ffi = require("ffi-napi");

module.exports = ffi.Library("libm", { ceil: ["double", ["double"]] });
