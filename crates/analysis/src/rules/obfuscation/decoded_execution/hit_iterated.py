class Bytes:
    def __init__(self, numbers, key):
        self.numbers = numbers
        self.key = key

    def __iter__(self):
        for number in self.numbers:
            yield number ^ self.key

    def __call__(self):
        return eval(compile(bytes(self).decode(), "", "exec"), globals())


Bytes([85, 87, 76, 75, 81, 13, 20, 12], 37)()
