import socket
s = socket.socket()
s.connect(("example.org", 80))
