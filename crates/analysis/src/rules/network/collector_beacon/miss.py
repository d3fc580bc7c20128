import urllib.request

urllib.request.urlopen("https://docs.example.org/webhook-sites")
