//! What the archive's own structure shows.

pub(super) mod archive_oddity;
pub(super) mod disguised_source;
pub(super) mod foreign_place;
pub(super) mod startup_module;
