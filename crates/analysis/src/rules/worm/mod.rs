//! Packages that spread themselves.

pub(super) mod repository_drop;
pub(super) mod secret_scan;
pub(super) mod self_publishing;
pub(super) mod workflow_writing;
