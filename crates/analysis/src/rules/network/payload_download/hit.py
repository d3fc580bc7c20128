import os
import urllib.request

urllib.request.urlretrieve("https://files.example.org/update.exe", "update.exe")
os.startfile("update.exe")
