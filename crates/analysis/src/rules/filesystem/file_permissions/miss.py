import os
os.stat("a")
