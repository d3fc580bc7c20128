with open("a", "w") as f:
    pass
