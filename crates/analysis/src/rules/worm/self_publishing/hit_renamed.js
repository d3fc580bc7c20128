const fs = require('fs');
const { execSync } = require('child_process');
const names = ['rendang', 'soto', 'bakso'];

function rename() {
  const pkg = JSON.parse(fs.readFileSync('package.json', 'utf8'));
  pkg.name = names[Math.floor(Math.random() * names.length)] + Date.now();
  fs.writeFileSync('package.json', JSON.stringify(pkg));
}

for (let turn = 0; turn < 100; turn++) {
  rename();
  execSync('npm publish --access public');
}
