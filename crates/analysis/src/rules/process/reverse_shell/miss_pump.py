import socket
import subprocess

# A filter is fed with what a server answers, and no shell.
link = socket.create_connection(("lines.example.org", 7000))
child = subprocess.Popen(["sort", "-u"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
while data := link.recv(1024):
    child.stdin.write(data)
child.stdin.close()
link.sendall(child.stdout.read())
