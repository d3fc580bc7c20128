// Verifies sigstore bundles with @sigstore/verify: `node sigstore.cjs FOLDER BUNDLE...`. The folder holds
// sigstore_root.json and keys.json (key id: {rawBytes, start, end}). One line for each: `ok` or the code of the error.
const fs = require('node:fs');
const path = require('node:path');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [folder, ...bundles] = process.argv.slice(2);
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const keys = {};
for (const [id, key] of Object.entries(read(path.join(folder, 'keys.json')))) {
  const spki = `-----BEGIN PUBLIC KEY-----\n${key.rawBytes}\n-----END PUBLIC KEY-----\n`;
  keys[id] = { rawBytes: spki, validFor: { start: new Date(key.start), end: key.end && new Date(key.end) } };
}
const trust = toTrustMaterial(TrustedRoot.fromJSON(read(path.join(folder, 'sigstore_root.json'))), keys);
// The defaults: one log, one time that the log signed.
const verifier = new Verifier(trust);
for (const file of bundles) {
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(read(file))));
    console.log('ok');
  } catch (error) {
    console.log(`${error.name} ${error.code ?? ''} ${error.message.split('\n')[0]}`);
  }
}
