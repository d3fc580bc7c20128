import subprocess

subprocess.Popen(["helper.exe"], creationflags=subprocess.CREATE_NO_WINDOW)
