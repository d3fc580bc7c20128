import io
import pickle
import requests


def weights():
    return requests.get("https://models.example.invalid/w.bin", timeout=10).content


class Model:
    def __init__(self):
        self.state = pickle.load(io.BytesIO(weights()))


default = Model()
