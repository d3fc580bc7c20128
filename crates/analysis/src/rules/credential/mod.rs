//! What is read of the user: environment, credential files and stores.

pub(super) mod credential_access;
pub(super) mod environment_read;
pub(super) mod secret_environment_read;
