import subprocess

subprocess.run(["powershell", "-Command", "Get-MpPreference"])
