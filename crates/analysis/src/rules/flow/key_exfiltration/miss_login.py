import time

import jwt
import requests


def token(private_key, client_secret, user, password):
    signed = jwt.encode({"iat": int(time.time())}, private_key, algorithm="RS256")
    answer = requests.post("https://auth.example.org/token", data={"assertion": signed})
    other = requests.post("https://auth.example.org/login", data={"user": user, "password": password})
    session = requests.Session()
    session.post("https://auth.example.org/login", data={"user": user, "password": password})
    requests.post("https://api.example.org/v1/ping", headers={"X-Secret": client_secret})
    return answer.json(), other.json(), session
