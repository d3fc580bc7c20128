const WebSocket = require("ws");

const socket = new WebSocket("ws://panel.example.org");
socket.onmessage = function (event) {
  const message = JSON.parse(event.data);
  if (message.type === "show") console.log(message.text);
};
