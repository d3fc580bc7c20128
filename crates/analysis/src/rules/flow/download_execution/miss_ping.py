import socket
import subprocess


def is_up(host, wait):
    address = socket.gethostbyname(host)
    return subprocess.check_call(["ping", "-c", "1", "-W", str(wait), address]) == 0


print(is_up("status.example.org", 1))
