import os
import subprocess

import requests


def update():
    answer = requests.get("http://files.example.org/download/update.exe", stream=True)
    with open("update.exe", "wb") as file:
        for chunk in answer.iter_content(chunk_size=8192):
            file.write(chunk)
    subprocess.Popen([os.path.abspath("update.exe")])
