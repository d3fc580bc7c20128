#!/usr/bin/env python3
"""Strict JSON, its canonical form (RFC 8785, for values without floats) and keccak256, with the standard library alone.

    canonical.py FOLDER      reproduces the vectors in a folder
"""
import hashlib, json, pathlib, sys

SAFE = 2**53 - 1


class Refused(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def admit(data):
    def pairs(items):
        value = dict(items)
        need(len(value) == len(items), "a key stands twice")
        return value

    def integer(text):
        need(text != "-0" and abs(int(text[:20])) <= SAFE and len(text) < 18, "an integer beyond 2^53-1")
        return int(text)

    def never(text):
        raise Refused(f"the number {text} is no integer")

    def walk(value, depth):
        need(depth <= 127 or not isinstance(value, (dict, list)), "too deep")
        if isinstance(value, str):
            need(not any(0xD800 <= ord(c) < 0xE000 for c in value), "a lone surrogate")
        for item in value if isinstance(value, list) else []:
            walk(item, depth + 1)
        for key, item in value.items() if isinstance(value, dict) else []:
            walk(key, depth)
            walk(item, depth + 1)

    need(len(data) <= 16 << 20, "too long")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_int=integer, parse_float=never, parse_constant=never
        )
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {error}")
    walk(value, 1)
    return value


def canonical(value):
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def keccak256(data):
    def rotate(lane, by):
        return (lane << by | lane >> (64 - by)) & (2**64 - 1)

    lanes, rate = [[0] * 5 for _ in range(5)], 136
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % rate))
    padded[-1] |= 0x80
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        register = 1
        for _ in range(24):
            c = [a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] for a in lanes]
            d = [c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
            lanes = [[lanes[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, current = 1, 0, lanes[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, lanes[x][y] = lanes[x][y], rotate(current, (t + 1) * (t + 2) // 2 % 64)
            for y in range(5):
                row = [lanes[x][y] for x in range(5)]
                for x in range(5):
                    lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
            for j in range(7):
                register = (register << 1 ^ (register >> 7) * 0x71) % 256
                if register & 2:
                    lanes[0][0] ^= 1 << ((1 << j) - 1)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def vectors(folder):
    count = 0
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        for vector in json.loads(path.read_text("utf-8")):
            data = vector["input"].encode("utf-8", "surrogatepass")
            try:
                form = canonical(admit(data)).encode()
                got = {"canonical": form.decode(), "sha256": hashlib.sha256(form).hexdigest(),
                       "keccak256": "0x" + keccak256(form).hex()}  # fmt: skip
            except Refused:
                got = {"refused": True}
            expected = {name: value for name, value in vector.items() if name not in ("name", "input")}
            need(got == expected, f"{path.name}: {vector['name']}: got {got}")
            count += 1
    print(f"{count} vectors reproduced")


if __name__ == "__main__":
    vectors(sys.argv[1])
