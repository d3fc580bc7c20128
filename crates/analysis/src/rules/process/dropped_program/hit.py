import os
import tempfile

code = """import time
while True:
    time.sleep(60)
"""

with tempfile.NamedTemporaryFile(delete=False) as file:
    file.write(code.encode())
os.system(f"start pythonw {file.name}")
