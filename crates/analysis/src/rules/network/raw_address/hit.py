import requests
requests.get("http://45.61.136.200:8080/x")
