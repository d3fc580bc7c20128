import os
import subprocess

if os.path.exists(os.path.expanduser("~/.pypirc")):
    open(os.path.expanduser("~/.pypirc")).read()
    subprocess.run(["twine", "upload", "dist/*"])
