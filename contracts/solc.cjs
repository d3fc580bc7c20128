#!/usr/bin/env node
// The compiler of `build.cjs`, spoken to as forge speaks to a native one.
"use strict";
const fs = require("fs");
const solc = require("solc");

if (process.argv.includes("--version")) {
  const version = solc.version().replace(/\.Emscripten.*/, ".Linux.g++");
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else {
  process.stdout.write(solc.compile(fs.readFileSync(0, "utf8")));
}
