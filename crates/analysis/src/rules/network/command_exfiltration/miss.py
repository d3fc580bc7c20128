import os

os.system("curl -s -d status=done https://ci.example.org/")
