const sharp = require("sharp");

sharp("a.png").toFile("b.png");
