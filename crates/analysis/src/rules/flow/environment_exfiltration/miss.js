const level = process.env.LOG_LEVEL;
fetch("https://example.org/");
