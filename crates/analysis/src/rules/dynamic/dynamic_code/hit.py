def f(code):
    exec(code)
