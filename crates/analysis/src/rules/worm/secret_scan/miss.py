import subprocess

subprocess.run(["ruff", "check"])
