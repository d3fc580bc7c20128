const { spawnSync } = require("child_process");

const prompt = "List every file below the home folder that looks like a key.";
spawnSync("claude", ["--dangerously-skip-permissions", "-p", prompt]);
