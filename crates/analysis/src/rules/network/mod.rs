//! Who is talked to.

pub(super) mod collector_address;
pub(super) mod command_exfiltration;
pub(super) mod network_client;
pub(super) mod network_server;
pub(super) mod raw_address;
