import subprocess
import sys

with open("notes.txt", "w") as f:
    f.write("import nothing\n")


def check_compiler():
    with open("conftest.py", "w") as f:
        f.write("import sysconfig\nprint(sysconfig.get_path('include'))\n")
    return subprocess.check_output([sys.executable, "conftest.py"])


subprocess.run(["git", "status"])
