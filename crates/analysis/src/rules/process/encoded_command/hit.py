import os

os.system("echo aWQ= | base64 -d | sh")
