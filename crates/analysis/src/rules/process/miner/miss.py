import subprocess

subprocess.run(["ps", "aux"])
POOLS = ["thread", "process"]
