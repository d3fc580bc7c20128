import subprocess
import sys
import types

import requests

settings = requests.get("https://settings.example.org/v1").json()
# Where to work, how long to wait and what is around a command is not the command.
subprocess.run(["make", "all"], cwd=settings["folder"], env={"MODE": settings["mode"]}, timeout=settings["wait"])
# What comes after a script is data, and so are the arguments of programs that run nothing.
subprocess.run([sys.executable, "build.py", settings["target"]])
subprocess.run(["tar", "xf", settings["archive"]])
subprocess.run(["git", "checkout", settings["branch"]])
# A name for code, and the names that it may use, are not run.
code = compile(open("plugin.py").read(), settings["name"], "exec")
exec(code, settings)
