import socket

import requests


def notify():
    address = requests.get("https://api.ipify.org?format=json").json()["ip"]
    requests.get("http://updates.example.org:4242/log?host=" + socket.gethostname() + "&ip=" + address)
