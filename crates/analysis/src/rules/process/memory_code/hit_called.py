import ctypes


class Assembler:
    def prepare(self, code):
        from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE, mmap

        self.memory = mmap(-1, len(code), MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE | PROT_EXEC)
        self.memory.write(code)
        self.address = ctypes.addressof(ctypes.c_int.from_buffer(self.memory))
        self.run = ctypes.CFUNCTYPE(ctypes.c_uint32)(self.address)
        ctypes.windll.kernel32.FlushInstructionCache(None, self.address, len(code))
