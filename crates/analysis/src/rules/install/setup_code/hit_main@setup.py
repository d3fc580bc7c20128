import subprocess
from setuptools import setup

if __name__ == "__main__":
    subprocess.run(["make"])
    setup(name="demo")
