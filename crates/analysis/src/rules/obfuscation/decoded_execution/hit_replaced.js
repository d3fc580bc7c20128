const plain = "pbafbyr.ybt('n grkg gung vf ghearq ol guvegrra yrggref')".replace(/[a-z]/g, (c) =>
  String.fromCharCode((c.charCodeAt(0) - 84) % 26 + 97),
);
const run = globalThis["ev" + "al"];
setTimeout(() => run(plain), 1000);
