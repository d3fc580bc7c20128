const controls = /[‪-‮⁦-⁩]/g;
const special = "‎‏ ‭‮⁦⁧⁩", names = { 0: "null", 7: "bell" };
module.exports = (text) => text.replace(controls, "");
