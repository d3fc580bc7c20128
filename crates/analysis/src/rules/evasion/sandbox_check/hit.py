import subprocess
import sys

WATCHERS = ["wireshark.exe", "vboxservice.exe", "vmtoolsd.exe", "ollydbg.exe", "x64dbg.exe"]
running = subprocess.check_output("tasklist").decode().lower()
if any(name in running for name in WATCHERS):
    sys.exit()
