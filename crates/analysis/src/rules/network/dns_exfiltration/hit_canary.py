import socket


def _check():
    try:
        socket.gethostbyname("demo.seen.canary.invalid")
    except OSError:
        pass


_check()
