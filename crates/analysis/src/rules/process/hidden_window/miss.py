import subprocess

subprocess.Popen(["make", "all"], creationflags=0)
