const m = new Map();
m.delete("a");
