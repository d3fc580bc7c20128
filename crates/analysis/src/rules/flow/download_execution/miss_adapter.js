"use strict";
var _interopRequireDefault = require("@babel/runtime/helpers/interopRequireDefault");
var _execa = _interopRequireDefault(require("execa"));

// Which package is installed is said by a list; the index answers what it is.
exports.install = async function (more) {
  const answer = await fetch("https://raw.githubusercontent.com/demo/demo/main/adapters.json");
  const adapter = await answer.json();
  await (0, _execa.default)(`npm`, [`install`, ...more, `${adapter.module}@${adapter.version}`]);
};
