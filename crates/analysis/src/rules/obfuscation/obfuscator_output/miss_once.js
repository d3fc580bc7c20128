let table = function () {
  const words = ['a', 'b', 'c'];
  table = function () { return words; };
  return table();
};
function config() { const c = { a: 1 }; config = function () { return c; }; return config(); }
module.exports = { table, config };
