export function toHome() {
  window.location.href = "/home";
}
