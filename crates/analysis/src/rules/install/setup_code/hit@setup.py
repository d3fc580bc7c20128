import os
from setuptools import setup
from setuptools.command.install import install


class Install(install):
    def run(self):
        os.system("id")


setup(cmdclass={"install": Install})
