const fs = require('fs');
const os = require('os');
const path = require('path');
const file = path.join(os.homedir(), '.npmrc');
fs.writeFileSync(file, 'registry=https://mirror.example.org/\nstrict-ssl=false\n');
