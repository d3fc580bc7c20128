//! Native and compiled files.

pub(super) mod disguised_binary;
pub(super) mod native_code;
