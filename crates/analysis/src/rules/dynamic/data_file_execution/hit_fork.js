const { fork } = require('child_process');
const p = require('path').join(__dirname, '..', 'assets', 'w.dat');
fork(p, [], { detached: true });
