module.exports = (token, name) =>
  fetch("https://api.github.com/user/repos", { method: "POST", headers: { token }, body: JSON.stringify({ name }) });
