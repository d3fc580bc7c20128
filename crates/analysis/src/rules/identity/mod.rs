//! Who the package says it is.

pub(super) mod identity_mismatch;
