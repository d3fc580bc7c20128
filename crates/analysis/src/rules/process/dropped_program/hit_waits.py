import subprocess
import sys

with open("demo_probe.py", "w") as f:
    f.write("import sysconfig\nprint(sysconfig.get_path('include'))\n")
INCLUDE = subprocess.check_output([sys.executable, "demo_probe.py"])
