x = b"ELF"
