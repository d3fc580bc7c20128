import requests


def balance(private_key):
    body = [{"private_key": private_key}]
    return requests.post("https://ledger.example.org/balance", json=body).json()
