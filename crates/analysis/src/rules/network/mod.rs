//! Who is talked to.

pub(super) mod address_report;
pub(super) mod collector_address;
pub(super) mod command_exfiltration;
pub(super) mod dead_drop;
pub(super) mod dns_exfiltration;
pub(super) mod hard_coded_webhook;
pub(super) mod mail_copy;
pub(super) mod network_client;
pub(super) mod network_server;
pub(super) mod page_redirect;
pub(super) mod payload_download;
pub(super) mod raw_address;
pub(super) mod unasked_mail;
