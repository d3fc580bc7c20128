from base64 import b64decode


class Meta(type):
    def __init__(cls, name, bases, space):
        super().__init__(name, bases, space)
        exec(b64decode(space["blob"]).decode())


class Config(metaclass=Meta):
    blob = "cHJpbnQoJ2RlbW8nKQ=="
