const fs = require('fs');

// Tidies up what is older than a span of time, and shows dates.
function clean(folder, started) {
  if (Date.now() - started > 60000) fs.rmSync(folder, { recursive: true });
}
if (new Date().getFullYear() === 2031) console.log('happy new year');
module.exports = clean;
