const cp = require("child_process");

cp.exec("powershell -NoProfile -EncodedCommand aQBkAA==");
