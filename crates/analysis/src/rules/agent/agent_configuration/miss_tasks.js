const fs = require("fs");
const path = require("path");

// Whoever opens the folder starts this task, or does not.
const folder = path.join(process.env.INIT_CWD, ".vscode");
const task = { label: "build", type: "shell", command: "npm run build" };
fs.writeFileSync(path.join(folder, "tasks.json"), JSON.stringify({ version: "2.0.0", tasks: [task] }));
