if (!Array.prototype.includes) {
  Array.prototype.includes = function (wanted) {
    return this.indexOf(wanted) !== -1;
  };
}
Array.prototype.shuffle = function () {
  return [...this].sort(() => Math.random() - 0.5);
};
