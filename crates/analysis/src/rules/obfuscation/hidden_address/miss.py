import base64
import urllib.request


def avatar(data):
    image = base64.b64decode("aW1hZ2UgZGF0YSB0aGF0IGlzIG5vIGFkZHJlc3M=")
    return urllib.request.urlopen("https://example.org/upload", image + base64.b64decode(data))
