import requests


class Client:
    def __init__(self, token):
        self.token = token

    def items(self):
        return requests.get("https://api.example.org/items", headers={"Authorization": self.token}).json()
