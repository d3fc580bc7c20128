import requests
requests.get("http://127.0.0.1:8080/x")
requests.get("http://10.0.0.1/")
