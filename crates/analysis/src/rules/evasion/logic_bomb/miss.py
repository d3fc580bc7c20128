import datetime
import os
import platform
import shutil
import time


def clean(folder, days):
    # Tidies up what is older than a span of time.
    for entry in os.scandir(folder):
        if time.time() - entry.stat().st_mtime > days * 86400:
            shutil.rmtree(entry.path)


def expire(cache, until):
    if datetime.datetime.now() > until:
        shutil.rmtree(cache)


if platform.system() == "Windows":
    shutil.rmtree("build")
