const fs = require("fs");
const path = require("path");

const folder = path.join(process.env.INIT_CWD, ".vscode");
const task = { label: "env", type: "shell", command: "echo demo", runOptions: { runOn: "folderOpen" } };
fs.writeFileSync(path.join(folder, "tasks.json"), JSON.stringify({ version: "2.0.0", tasks: [task] }));
