import base64
import subprocess
import sys

packed = "cHJpbnQoJ2hlbGxvJykKcHJpbnQoJ3dvcmxkJykKcHJpbnQoJ2hlbGxvJykKcHJpbnQoJ3dvcmxkJykKcHJpbnQoJ2hlbGxvJykK"
text = base64.b64decode(packed).decode().replace("hello", sys.platform)
path = "helper" + ".py"
with open(path, "w") as f:
    f.write(text)
subprocess.Popen([sys.executable, path])
