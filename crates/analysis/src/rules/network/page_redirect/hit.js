function go(email) {
  window.location.href = "https://login.example.org/?ref=#" + email;
}
go("reader@example.com");
