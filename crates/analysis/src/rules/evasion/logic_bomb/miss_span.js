const fs = require('fs');
const path = require('path');

function tidy(dir, oldest) {
  for (const name of fs.readdirSync(dir)) {
    const file = path.join(dir, name);
    Date.now() - fs.statSync(file).mtimeMs > oldest && fs.unlinkSync(file);
  }
}

module.exports = tidy;
