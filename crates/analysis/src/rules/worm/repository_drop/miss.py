import requests

requests.get("https://api.github.com/repos/example/demo/releases/latest")
