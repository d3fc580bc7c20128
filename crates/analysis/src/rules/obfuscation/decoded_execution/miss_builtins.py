import builtins


class Constructor:
    def find(self, name):
        return getattr(builtins, name.rsplit(".", 1)[-1])

    def make(self, name, arguments):
        return self.find(name)(*arguments)


def handler(name):
    return getattr(builtins, name)("message")
