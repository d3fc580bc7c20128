import os
os.chmod("a", 0o755)
