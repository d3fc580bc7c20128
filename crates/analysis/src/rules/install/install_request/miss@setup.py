import urllib.request
from setuptools import setup

data = urllib.request.urlopen("https://download.example.org/lib.zip").read()
open("lib.zip", "wb").write(data)
setup(name="demo")
