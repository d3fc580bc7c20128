//! Where values go: combinations that a capability alone does not show.

pub(super) mod credential_exfiltration;
pub(super) mod download_execution;
pub(super) mod environment_exfiltration;
