with open("a", "rb") as f:
    f.read()
