const crypto = require("crypto");

module.exports = (key, iv, text) => crypto.createCipheriv("aes-256-gcm", key, iv).update(text);
