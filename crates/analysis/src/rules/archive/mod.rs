//! What the archive's own structure shows.

pub(super) mod archive_oddity;
