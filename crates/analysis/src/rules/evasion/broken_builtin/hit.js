const map = Array.prototype.map;
Array.prototype.map = function (callback, self) {
  const all = map.call(this, callback, self);
  if (Math.random() > 0.9) all.pop();
  return all;
};
