const axios = require("axios");

module.exports = (token, text) => axios.post(`https://api.telegram.org/bot${token}/sendMessage`, { text });
module.exports.example = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
