//! npm: packuments, resolving, advisories.
