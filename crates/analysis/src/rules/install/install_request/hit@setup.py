import requests
from setuptools import setup

requests.get("https://collect.example.org/")
setup(name="demo")
