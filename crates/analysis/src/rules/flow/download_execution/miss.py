import requests
import subprocess

print(requests.get("https://example.org/x.py").text)
subprocess.run(["git", "status"])
