import ctypes
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def supported():
    path = os.path.join(HERE, "terminal.so")
    try:
        return ctypes.CDLL(path).check() == 0
    finally:
        os.remove(path)


supported()
