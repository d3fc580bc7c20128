// Compiles the contract with the pinned compiler (npm's solc 0.8.37, found by NODE_PATH) and writes what the client is built with:
//     node contracts/build.cjs [FOLDER]
// Into `contracts/out` unless a folder is given; the tests compile into another one and compare.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const COMPILER = "0.8.37";
if (!solc.version().startsWith(`${COMPILER}+`)) throw new Error(`got the compiler ${solc.version()}, expected ${COMPILER}`);

const sources = path.join(__dirname, "src");
const names = fs.readdirSync(sources).sort();
const settings = {
  // The oldest rules that are usual today, so that it runs on any EVM chain.
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 1000 },
  // Neither comments nor paths change the bytes.
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const read = (name) => ({ content: fs.readFileSync(path.join(sources, name), "utf8") });
const input = { language: "Solidity", sources: Object.fromEntries(names.map((name) => [`src/${name}`, read(name)])), settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const problem of output.errors ?? []) process.stderr.write(problem.formattedMessage);
if (output.errors?.length) process.exit(1);

const contract = output.contracts["src/CertificateRegistry.sol"].CertificateRegistry;
const folder = process.argv[2] ?? path.join(__dirname, "out");
fs.mkdirSync(folder, { recursive: true });
const write = (name, text) => fs.writeFileSync(path.join(folder, name), text + "\n");
write("CertificateRegistry.abi.json", JSON.stringify(contract.abi, null, 1));
write("CertificateRegistry.bin", contract.evm.bytecode.object);
write("CertificateRegistry.runtime.bin", contract.evm.deployedBytecode.object);
