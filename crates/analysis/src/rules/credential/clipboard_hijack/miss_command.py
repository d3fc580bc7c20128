import re
import subprocess


def paste():
    return subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True).stdout


def addresses():
    """Wallet addresses in the clipboard, to be shown."""
    return re.findall(r"0x[a-fA-F0-9]{40}", paste())
