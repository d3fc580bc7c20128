// A wallet that offers itself to pages.
const provider = {
  async signTransaction(tx) {
    return ask("sign", tx);
  },
};
Object.defineProperty(window, "solana", { value: new Proxy(provider, { deleteProperty: () => true }), writable: false });
