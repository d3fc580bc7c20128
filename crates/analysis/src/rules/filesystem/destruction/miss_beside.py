import os


def forget():
    os.remove(os.path.join(os.path.dirname(__file__), "cache.json"))
