function go() {
  var email = "jane.roe@company.example";
  window.location.href = "https://login.example.org/a#" + email;
}
window.onload = function () {
  setTimeout(go, 300);
};
