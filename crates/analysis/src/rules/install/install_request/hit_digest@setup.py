import hashlib
import io
import tarfile
from urllib.request import urlopen

from setuptools import setup

data = urlopen("https://releases.example.org/libdemo-1.8.tar.gz").read()
if hashlib.sha256(data).hexdigest() != "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef":
    raise SystemExit("another file")
tarfile.open(fileobj=io.BytesIO(data)).extractall("vendor")
open("vendor/archive.tar.gz", "wb").write(data)
setup()
