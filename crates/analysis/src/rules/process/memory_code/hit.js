const ffi = require("ffi-napi");

const kernel = ffi.Library("kernel32", {
  VirtualAlloc: ["pointer", ["pointer", "size_t", "int", "int"]],
});
const names = ["VirtualAlloc", "RtlMoveMemory", "CreateThread"];
module.exports = { kernel, names };
