import subprocess

subprocess.run(["twine", "check", "dist/*"])
