from ctypes import c_int
c_int(1)
