import subprocess

from setuptools import setup

revision = subprocess.getoutput("curl -s https://builds.demo.invalid/revision")
subprocess.call(["pkg-config", "--exists", "libdemo-2.0"])

setup(name="demo", version=revision)
