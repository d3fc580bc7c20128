import clipboardy from "clipboardy";

clipboardy.writeSync(clipboardy.readSync().trim());
