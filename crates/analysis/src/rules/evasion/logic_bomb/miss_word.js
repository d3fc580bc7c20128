const { exec } = require("child_process");
const fs = require("fs");
module.exports = (app) => {
  app.post("/cache", (req, res) => {
    if (req.body.action === "clear") fs.rm("./cache", { recursive: true }, () => res.end());
  });
  app.post("/build", (req, res) => {
    if (!req.body.name) return res.status(400).end();
    exec("rm -rf ./build && make", () => res.end());
  });
};
