import socket

_real = socket.getaddrinfo


def _getaddrinfo(host, port):
    return _real(host, port)


def _gethostbyname(name=None):
    return _getaddrinfo(name or socket.gethostname(), 0)


def resolve(label):
    return _getaddrinfo(label + ".in-addr.arpa", 53)


def install():
    socket.getaddrinfo = _getaddrinfo
