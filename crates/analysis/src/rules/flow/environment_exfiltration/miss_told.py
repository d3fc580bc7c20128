import os
import socket

import requests

# How a connection is made is told to nobody.
requests.get("https://api.example.org/v1", proxies={"https": os.environ["PROXY_PASSWORD"]}, cert=os.environ["CERT_SECRET"])
requests.get("https://api.example.org/v1", timeout=float(os.environ["API_SECRET_WAIT"]))
# What is told to the own machine stays there.
requests.post("http://localhost:8080/v1", json=dict(os.environ))
requests.post("http://127.0.0.1/v1", data={"host": socket.gethostname(), "secret": os.environ["API_SECRET"]})
# Where to connect, where the machine says it.
requests.get(os.environ["SERVICE_URL"])
