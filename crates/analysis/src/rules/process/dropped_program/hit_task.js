const fs = require("fs");
const { execFileSync } = require("child_process");

desc("Tries the package as somebody would use it");
task("smoke", ["build"], function () {
  fs.writeFileSync("smoke.cjs", 'const demo = require("demo");\nif (demo.render("x") !== "x") process.exit(1);\n');
  execFileSync(process.execPath, ["smoke.cjs"]);
});
