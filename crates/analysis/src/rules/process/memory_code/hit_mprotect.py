import mmap
from ctypes import CDLL, CFUNCTYPE, c_int, c_void_p
from ctypes.util import find_library

libc = CDLL(find_library("c"))
area = mmap.mmap(-1, 4096)
area.write(b"\xc3")
base = c_void_p.from_buffer(area)
libc.mprotect(base, 4096, 7)
CFUNCTYPE(c_int)(base.value)()
