let line;
while (true) {
  line = next();
  if (!line) break;
}
function serve() {
  for (;;) step();
}
