module.exports = (address) => fetch("https://api.mainnet-beta.solana.com", { method: "POST", body: address });
