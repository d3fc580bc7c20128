import requests


def report(identifier, token, text):
    requests.post(f"https://discord.com/api/webhooks/{identifier}/{token}", json={"content": text})
