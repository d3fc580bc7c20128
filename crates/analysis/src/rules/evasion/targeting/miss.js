const zones = ["Europe/Moscow", "Europe/Minsk"];
module.exports = zones;
