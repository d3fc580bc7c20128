const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  console.log("sent", body);
  return send.call(this, body);
};
