import configparser
import pathlib
import subprocess
import sys

settings = configparser.ConfigParser()
settings.read(pathlib.Path.home() / ".pypirc")
token = settings.get("pypi", "password")
subprocess.run([sys.executable, "-m", "twine", "upload", "-u", "__token__", "-p", token, "dist/*"])
