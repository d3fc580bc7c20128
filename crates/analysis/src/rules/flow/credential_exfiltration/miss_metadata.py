import requests

BASE = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"


def credentials():
    role = requests.get(BASE).text
    return requests.get(BASE + role).json()
