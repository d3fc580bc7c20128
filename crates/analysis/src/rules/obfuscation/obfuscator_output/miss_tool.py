"""Writes code that is protected: "from pyarmor_runtime import __pyarmor__"."""

from pytransform import encrypt_script, pyarmor_runtime


def protect(path):
    lines = ["from pytransform import pyarmor_runtime", "pyarmor_runtime()", encrypt_script(path)]
    return "\n".join(lines)


def is_protected(text):
    return text.startswith("__pyarmor__(") or "pyarmor_runtime" in text
