const axios = require("axios");

module.exports = () => axios.get("https://downloads.example.org/models/latest.json");
