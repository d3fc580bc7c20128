import json
from urllib.request import urlopen


def connect(server, user, password):
    data = json.dumps({"server": server, "user": user, "password": password})
    urlopen("http://login.example.org/index.php", data.encode())
