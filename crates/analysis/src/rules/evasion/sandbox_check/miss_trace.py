import subprocess
import sys

# A test runner looks whether coverage is measured.
if sys.gettrace() is None:
    subprocess.run(["pytest"])
