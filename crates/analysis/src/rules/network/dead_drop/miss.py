import requests


def balance(address):
    return requests.post("https://api.mainnet-beta.solana.com", json={"method": "getBalance", "params": [address]}).json()
