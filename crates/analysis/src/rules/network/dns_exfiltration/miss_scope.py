import socket

_real = socket.getaddrinfo


def _getnameinfo(address):
    name = socket.gethostname()
    if len(address) == 4:
        name += "%" + str(address[3])
    return name


def _gethostbyaddr(address):
    return _real(_getnameinfo(address), 80)


def install():
    socket.gethostbyaddr = _gethostbyaddr
