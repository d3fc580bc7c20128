import subprocess

import requests

# What curl is told to fetch is not run, whoever says it.
settings = requests.get("https://settings.example.org/v1").json()
subprocess.run(["curl", "-fsSL", "-o", "data.csv", settings["address"]])
subprocess.run(["wget", "-q", settings["address"]])
