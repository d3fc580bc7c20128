import urllib.request
from setuptools import setup

data = urllib.request.urlopen("https://github.com/o/p/releases/download/v1/lib.zip").read()
open("lib.zip", "wb").write(data)
setup(name="demo")
