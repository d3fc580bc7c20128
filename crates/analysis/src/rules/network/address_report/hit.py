import requests


def report(hook):
    address = requests.get("https://api.ipify.org").text
    requests.post("https://discord.com/api/webhooks/" + hook, json={"content": address})
