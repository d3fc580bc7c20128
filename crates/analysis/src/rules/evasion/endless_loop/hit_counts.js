module.exports = require('./lib');

function flag() {
  let turn = 0;
  for (; turn < Infinity; turn++) {
    console.log('testing testing testing');
  }
}

flag();
