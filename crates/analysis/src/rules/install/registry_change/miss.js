const fs = require('fs');
const os = require('os');
const path = require('path');
const file = path.join(os.homedir(), '.npmrc');
fs.writeFileSync(file, 'registry=https://registry.npmjs.org/\n');
module.exports = (registry, target) => fs.writeFileSync(target, 'registry=' + registry);
