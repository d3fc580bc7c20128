const { execFile, spawn } = require("child_process");

fetch("https://settings.example.org/v1").then(async (answer) => {
  const settings = await answer.json();
  spawn("make", ["all"], { cwd: settings.folder, env: { MODE: settings.mode }, timeout: settings.wait });
  execFile(process.execPath, ["build.js", settings.target], () => {});
  execFile("unzip", [settings.archive], () => {});
});
