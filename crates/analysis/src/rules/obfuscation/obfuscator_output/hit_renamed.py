Sum, Walk, _turn, _root, Power = exec, str, tuple, map, ord


def run(code=str):
    return Sum(Walk(code))


run("pass")
