import subprocess
import sys

import click


@click.command("migrate", short_help="Migrates a project")
@click.argument("folder")
def migrate(folder):
    with open("setup.py", "w") as file:
        file.write("from setuptools import setup\nsetup(name='project')\n")
    subprocess.run([sys.executable, "setup.py", "--name"], check=True)
