//! What is done to files.

pub(super) mod destruction;
pub(super) mod file_delete;
pub(super) mod file_permissions;
pub(super) mod file_read;
pub(super) mod file_write;
pub(super) mod persistence;
pub(super) mod ransom;
