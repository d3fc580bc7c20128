import os
home = os.environ.get("HOME")
