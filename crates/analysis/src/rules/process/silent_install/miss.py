import subprocess

subprocess.run(["pip", "--version"])
