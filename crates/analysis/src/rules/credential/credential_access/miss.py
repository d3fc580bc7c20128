"""Explains ~/.aws/credentials."""


def f():
    """Reads nothing from ~/.ssh/id_rsa."""
