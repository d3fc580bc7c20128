//! Limits and addresses of the server. The binary fills this in.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// `[audits]` of the configuration: how many packages of one submission are audited, so that neither its cost nor the queue grows
/// without bound. What lies beyond is disclosed as uncertified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditsConfig {
    /// Transitive packages that one submission has audited anew where nobody says how many. 250: a large Node.js project.
    pub transitive_cap: u32,
    /// Transitive packages that a developer may ask for. 1,000: what eight workers do in some minutes.
    pub most_transitive: u32,
}

impl Default for AuditsConfig {
    fn default() -> Self {
        Self { transitive_cap: 250, most_transitive: 1_000 }
    }
}

/// `[server]` of the configuration. Every field has a default, a unit and a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Requests a second that one address may make in the long run; 0 switches the limit off. 50: a busy build machine.
    /// An IPv6 address counts as its /64.
    pub requests_per_second: u32,
    /// Requests that one address may make at once, before the limit above applies. 500: an install of a large project.
    pub burst: u32,
    /// Requests a second that one token may make in the long run, from however many addresses; 0 switches the limit off. 20.
    pub token_requests_per_second: u32,
    /// Requests that one token may make at once. 200: a page that shows all of one's submissions.
    pub token_burst: u32,
    /// Flags an hour that one address may send; 0 switches the limit off. 10: more than a person has to say.
    pub flags_per_hour: u32,
    /// Flags an hour that all addresses together may send, over all processes; 0 switches the limit off. 1,000: more than
    /// operators can read, and little enough to be stored for years.
    pub flags_per_hour_in_all: u32,
    /// API processes among which a balancer spreads the requests of one client: each of them allows its part of the limits of an
    /// address and of a token. 1: there is one process, or the balancer sends an address to one and the same.
    pub processes: u32,
    /// Networks of proxies whose `X-Forwarded-For` is believed. None: whoever connects is who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that may read `/metrics`. This machine.
    pub metrics_for: Vec<IpNet>,
    /// Connections at once; others wait. 4096: each costs about 40 KiB.
    pub max_connections: usize,
    /// Seconds to receive a request's head, and that a connection may idle. 15: longer than any proxy's pause.
    pub header_seconds: u64,
    /// Seconds to answer. 30: only a first question about advisories takes more than a few milliseconds.
    pub request_seconds: u64,
    /// Seconds that requests under way have when the server is told to stop. 30: as long as a request may take.
    pub shutdown_seconds: u64,
    /// Bytes of a request's body. 1 MiB: 1,000 package URLs are about 60 KB.
    pub max_body_bytes: usize,
    /// Bytes of a request's address. 4 KiB: the longest package has less than 500.
    pub max_uri_bytes: usize,
    /// Bytes of answers that are kept, all of them packed, a sixteenth for those that stand ready, and two for packages that nobody certified.
    /// 1 GiB: a million answers. It is taken as they are asked for, never before. What does not fit is read from the database each time.
    pub ready_bytes: u64,
    /// Seconds to wait for advisories that a certificate lacks, before they count as unavailable. 3: a person waits.
    pub advisory_seconds: u64,
    /// Hours that advisories asked for later are used. 24: ecosystems publish a few a day.
    pub advisory_lifetime_hours: u64,
    /// Minutes before an ecosystem that gave no advisories is asked again about the same package. 10.
    pub advisory_pause_minutes: u64,
    /// Questions about advisories under way at once. 16: what the ecosystem clients allow.
    pub advisory_parallel: usize,
    /// Seconds that statistics, and figures of what waits in the store, are kept. 10: they count every certificate.
    pub stats_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].iter().filter_map(|net| net.parse().ok()).collect();
        Self {
            requests_per_second: 50,
            burst: 500,
            token_requests_per_second: 20,
            token_burst: 200,
            flags_per_hour: 10,
            flags_per_hour_in_all: 1_000,
            processes: 1,
            trusted_proxies: Vec::new(),
            metrics_for: loopback,
            max_connections: 4096,
            header_seconds: 15,
            request_seconds: 30,
            shutdown_seconds: 30,
            max_body_bytes: 1 << 20,
            max_uri_bytes: 4096,
            ready_bytes: 1 << 30,
            advisory_seconds: 3,
            advisory_lifetime_hours: 24,
            advisory_pause_minutes: 10,
            advisory_parallel: 16,
            stats_seconds: 10,
        }
    }
}
