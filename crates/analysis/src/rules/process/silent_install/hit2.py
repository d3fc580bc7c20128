import os

os.system("pip install --index-url https://packages.example.org/simple helper")
