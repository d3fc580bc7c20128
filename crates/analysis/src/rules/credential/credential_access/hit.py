import os

with open(os.path.expanduser("~/.aws/credentials")) as f:
    keys = f.read()
