const fs = require('fs');

function clean() {
  fs.rmSync('./nothing-is-here', { recursive: true, force: true });
}

// Protest: only in some countries.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (['Mars/Olympus', 'Mars/Tharsis'].includes(zone)) {
  clean();
}
