from ctypes import CDLL
lib = CDLL("libc.so.6")
