//! PyPI: index, resolving, advisories.
