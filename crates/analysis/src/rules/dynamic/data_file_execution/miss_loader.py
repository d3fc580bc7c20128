from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader


def code_of(name, path):
    """What a module is compiled to, to be packed with the program."""
    if path.endswith(".py"):
        loader = SourceFileLoader(name, path)
    elif path.endswith(".pyc"):
        loader = SourcelessFileLoader(name, path)
    else:
        loader = ExtensionFileLoader(name, path)
    return loader.get_code(name)


def version():
    names = {}
    exec(open("version.py").read(), names)
    return names["VERSION"]
