const os = require('os');
const path = require('path');

if (os.platform() === 'win32') {
  require('child_process').spawn('rundll32', [path.join(__dirname, './helper.dll') + ',main']);
}
