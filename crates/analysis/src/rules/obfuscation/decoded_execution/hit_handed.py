import atexit, base64, functools

atexit.register(exec, base64.b64decode("cHJpbnQoJ2hlbGxvJyk="))
functools.reduce(lambda a, f: f(a), [base64.b64decode, bytes.decode, exec], "cHJpbnQoJ2hlbGxvJyk=")


@exec
@lambda f: base64.b64decode(f())
def _():
    return "cHJpbnQoJ2hlbGxvJyk="
