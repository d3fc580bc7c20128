const cp = require('child_process');
module.exports = (req, res) => cp.execFile('/usr/bin/grep', ['-r', req.query.c, 'docs'], (e, out) => res.send(out));
