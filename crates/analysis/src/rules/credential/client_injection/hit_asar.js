const os = require('os');
const path = require('path');
const fs = require('fs').promises;
const asar = require('@electron/asar');

async function patch() {
  const base = path.join(os.homedir(), 'AppData', 'Local', 'Programs');
  const app = path.join(base, 'atomic', 'resources', 'app.asar');
  const work = path.join(base, 'atomic', 'resources', 'output');
  await asar.extractAll(app, work);
  await fs.copyFile(path.join(__dirname, 'a.bin'), path.join(work, 'vendors.js'));
  await asar.createPackage(work, app);
}

patch();
