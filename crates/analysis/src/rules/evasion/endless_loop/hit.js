module.exports = {};
for (let i = 1; i < Infinity; i++) {
  console.log("LIBERTY");
}
