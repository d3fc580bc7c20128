const list = require('./list');
const Module = require('module');
const m = new Module('x', module.parent);
m._compile(list.map((c) => String.fromCharCode(c ^ 93)).join(''), 'x.js');
