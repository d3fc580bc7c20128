import requests

SENSITIVE = [".npmrc", ".aws/credentials", "id_rsa"]


def lint(names):
    return [name for name in names if name in SENSITIVE]


def report(names):
    requests.post("https://ci.example.org", json=lint(names))
