import requests

requests.get("https://api.example.org/ip")
