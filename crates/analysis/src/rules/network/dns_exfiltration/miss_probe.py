import socket

ONLINE = True
try:
    socket.gethostbyname("www.google.com")
except OSError:
    ONLINE = False


def resolve():
    socket.gethostbyname("status.api.demo.invalid")
    return socket.gethostbyname("a.b.c.demo.invalid")
