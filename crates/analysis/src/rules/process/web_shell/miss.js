const { execFile } = require("child_process");
module.exports = (req, res) => execFile("git", ["log", req.query.branch], (error, out) => res.end(out));
