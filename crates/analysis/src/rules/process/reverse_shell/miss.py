import socket
import subprocess

s = socket.create_connection(("example.org", 80))
subprocess.call(["/bin/sh", "build.sh"])
