const имя = "x";
console.log(имя);
