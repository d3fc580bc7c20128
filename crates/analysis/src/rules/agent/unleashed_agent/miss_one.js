const { spawnSync } = require('child_process');
exports.start = (name, options) => spawnSync(name, options);
exports.help = 'use --dangerously-skip-permissions at your own risk';
