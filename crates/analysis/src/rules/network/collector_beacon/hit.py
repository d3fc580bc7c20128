import urllib.request

urllib.request.urlopen("https://webhook.site/00000000-0000-0000-0000-000000000000")
