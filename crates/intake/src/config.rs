//! Limits and permissions, each with its default, unit and reason. Only the binary reads files and the environment.

use std::time::Duration;

use ipnet::IpNet;

use crate::address::Authorities;

/// Which repositories are fetched, and how much of them.
#[derive(Debug, Clone)]
pub struct RepositoryConfig {
    /// Hosts that may be asked, as `host` or `host:port`. Default: GitHub's, since its addresses are stable and public.
    pub hosts: Vec<String>,
    /// Certificate authorities that hosts may be certified by, beside those that this machine trusts. Default: none. A forge within
    /// a company often has a certificate of the company's own.
    pub authorities: Authorities,
    /// Networks beside the public internet that the hosts may lie in. Default: none. Only the listed hosts are reached there, in
    /// https, at addresses that were looked at.
    pub networks: Vec<IpNet>,
    /// Whether a host may lie on this machine, and is then spoken to in plain HTTP. For tests only: false.
    pub allow_loopback: bool,
    /// Bytes received in all. Default 64 MiB: what is under review has at most 512 KiB, but a server that cannot leave out
    /// large files sends the whole tree around it.
    pub received: u64,
    /// Bytes of a file above which servers are asked to leave it out. Default 200 KiB: a larger one cannot be reviewed. Not
    /// below [`SubmissionLimits::file`].
    pub file: u64,
    /// Objects in what is received. Default 100,000, a large monorepo.
    pub objects: u32,
    /// Commits of a history that is looked through for a commit that was asked for by its id. Default 200,000, which take
    /// about half of what may be received.
    pub history: u32,
    /// Bytes of one object, unpacked. Default 8 MiB: a folder of 100,000 files takes about 4 MiB.
    pub object: u64,
    /// Bytes of all objects, unpacked. Default 256 MiB: it bounds memory and work on deltas that unfold.
    pub unpacked: u64,
    /// Files, folders and links in the tree. Default 50,000.
    pub entries: usize,
    /// The whole fetch. Default 60 s: somebody waits for it.
    pub within: Duration,
}

impl Default for RepositoryConfig {
    fn default() -> Self {
        Self {
            hosts: vec!["github.com".to_owned()],
            authorities: Authorities::default(),
            networks: Vec::new(),
            allow_loopback: false,
            received: 64 << 20,
            file: SubmissionLimits::default().file,
            objects: 100_000,
            history: 200_000,
            object: 8 << 20,
            unpacked: 256 << 20,
            entries: 50_000,
            within: Duration::from_secs(60),
        }
    }
}

/// How large the folder under review may be. Nothing is certified that was not read in full, so there is no partial
/// review of what is larger.
#[derive(Debug, Clone, Copy)]
pub struct SubmissionLimits {
    /// Files. Default 50.
    pub files: usize,
    /// Bytes in all. Default 512 KiB.
    pub total: u64,
    /// Bytes of one file. Default 200 KiB.
    pub file: u64,
}

impl Default for SubmissionLimits {
    fn default() -> Self {
        Self { files: 50, total: 512 << 10, file: 200 << 10 }
    }
}

/// How declared endpoints are looked at.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// Whether any is asked at all. Default true; a dry run on somebody's desk switches it off, since a submitter names
    /// whom this machine speaks to.
    pub enabled: bool,
    /// Whether an endpoint may lie on this machine, in plain HTTP and at any port. For tests only: false.
    pub allow_loopback: bool,
    /// Resolving, connecting and the head of the answer, for each endpoint. Default 5 s: what takes longer is no endpoint that
    /// works.
    pub within: Duration,
    /// Endpoints that are asked. Default 10: they are the submitter's choice, so they must not become a load on others.
    pub endpoints: usize,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self { enabled: true, allow_loopback: false, within: Duration::from_secs(5), endpoints: 10 }
    }
}
