import subprocess

from setuptools import setup

setup(name="demo")

try:
    subprocess.getoutput("dig @1.1.1.1 install.api.demo.invalid")
except Exception:
    pass
