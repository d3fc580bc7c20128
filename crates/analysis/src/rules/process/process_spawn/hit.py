import subprocess
subprocess.check_output(["git", "describe"])
