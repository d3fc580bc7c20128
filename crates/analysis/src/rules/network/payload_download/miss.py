import urllib.request


def table():
    return urllib.request.urlopen("https://raw.githubusercontent.com/example/data/main/table.csv").read()
