"""Prints the SHA-256 of files, one line each, as sha256sum does."""

import argparse
import hashlib
import sys


def digest(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(65536):
            state.update(chunk)
    return state.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files to hash")
    status = 0
    for path in parser.parse_args().files:
        try:
            print(f"{digest(path)}  {path}")
        except OSError as error:
            print(error, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
