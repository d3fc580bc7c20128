import builtins

run = getattr(builtins, b"\x85\xa5\x81\x93".decode("cp500"))
run(b"\x97\x99\x89\x95\xa3\x4d\xf1\x5d".decode("cp500"))
