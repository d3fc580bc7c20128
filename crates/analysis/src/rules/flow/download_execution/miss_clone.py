import subprocess


def fetch(url, folder):
    subprocess.run(["git", "clone", url, folder])
    subprocess.run(["git", "-C", folder, "log"])


def build():
    subprocess.run(["git", "clone", "https://github.com/example/data"])
    subprocess.run(["make"])
