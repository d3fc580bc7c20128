import os
import socket

socket.gethostbyname(socket.gethostname())
socket.getaddrinfo(os.environ.get("SERVER"), 80)
