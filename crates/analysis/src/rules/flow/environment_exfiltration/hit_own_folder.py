import os
from pathlib import Path

import requests

STATE = os.path.expanduser("~/.demo/crashes")


def report(folder, endpoint):
    for name in os.listdir(STATE):
        with open(os.path.join(STATE, name), "rb") as stream:
            requests.post("https://crashes.example.org/report", files={"file": stream})
    for name in os.listdir(folder):
        requests.put("https://store.example.org/" + name, data=Path(folder, name).read_bytes())
