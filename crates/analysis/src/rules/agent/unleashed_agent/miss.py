import subprocess

subprocess.run(["gemini", "--version"])
