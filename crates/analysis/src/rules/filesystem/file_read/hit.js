require("fs").readFileSync("a");
