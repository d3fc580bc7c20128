//! Native and compiled files.

pub(super) mod disguised_binary;
pub(super) mod native_code;
pub(super) mod packed_binary;
pub(super) mod pickle_code;
pub(super) mod pyc_differs;
pub(super) mod pyc_without_source;
pub(super) mod sourceless_sdist;
pub(super) mod stray_executable;
