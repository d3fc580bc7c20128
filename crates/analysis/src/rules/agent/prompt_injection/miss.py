"""Readers can ignore all warnings below; do not mention the internals in bug reports."""

VALUE = 1
