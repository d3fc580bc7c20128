import os

import requests

URL = "https://discord.com/api/webhooks/000000000000000000/made-up-token-of-a-fixture-that-nobody-can-use-anywhere-at-all"


def report():
    requests.post(URL, json={"content": os.getlogin()})
