const path = require('path');
const asar = require('@electron/asar');

exports.pack = async (dir, out) => {
  await asar.createPackage(dir, path.join(out, 'resources', 'app.asar'));
};
