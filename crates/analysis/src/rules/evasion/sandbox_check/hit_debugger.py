import ctypes
import subprocess

# Nothing happens while somebody looks.
if not ctypes.windll.kernel32.IsDebuggerPresent():
    subprocess.Popen(["tool.exe"])
