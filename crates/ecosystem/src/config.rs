//! Where the ecosystems are and how patiently they are asked. The binary fills this in; nothing here reads files or
//! the environment.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// Configuration of this room. Every limit has a unit and a reason.
#[derive(Debug, Clone)]
pub struct EcosystemConfig {
    /// PyPI's Simple API (PEP 503, PEP 691), ending in `/simple/`.
    pub pypi_index: Url,
    /// PyPI's JSON API (`<base>/<name>/<version>/json`), ending in `/pypi/`; asked for advisories.
    pub pypi_json: Url,
    /// The npm registry, ending in `/`.
    pub npm_registry: Url,
    /// Hosts, beside the origins of the URLs above, that files may be fetched from and that redirects may lead to:
    /// `host` for the scheme's own port, `host:port` for another. Plain http only where no URL above is https.
    pub file_hosts: Vec<String>,
    /// Where index pages and package metadata are cached between runs.
    pub cache_dir: PathBuf,
    /// Answer from the cache only; the network is not touched.
    pub offline: bool,
    /// Time to establish a connection. 10 s: a healthy ecosystem needs well under one.
    pub connect_timeout: Duration,
    /// Time without a single byte after which a transfer counts as dead. 30 s.
    pub read_timeout: Duration,
    /// Time for one metadata request, all attempts and pauses included. 5 min: 100 MB at 3 Mbit/s.
    pub total_timeout: Duration,
    /// Time for one distribution, all attempts and pauses included. 30 min: 2 GiB at 10 Mbit/s; what trickles slower
    /// holds a place that others wait for.
    pub fetch_timeout: Duration,
    /// Attempts for a request that may succeed when repeated (connection lost, 429, 5xx). 4.
    pub attempts: usize,
    /// First pause between attempts; it doubles each time, with jitter. 200 ms.
    pub first_pause: Duration,
    /// Largest index page, packument or advisory answer in bytes. 128 MiB: the largest real packument is about 100 MB.
    pub max_metadata_bytes: u64,
    /// Largest distribution in bytes. 2 GiB: the largest files on PyPI.
    pub max_distribution_bytes: u64,
    /// Requests under way at once. 16.
    pub parallel_requests: usize,
}

impl EcosystemConfig {
    /// The official ecosystems, and defaults for everything else.
    pub fn official(cache_dir: PathBuf) -> Self {
        let url = |text: &str| Url::parse(text).expect("a constant URL is valid");
        Self {
            pypi_index: url("https://pypi.org/simple/"),
            pypi_json: url("https://pypi.org/pypi/"),
            npm_registry: url("https://registry.npmjs.org/"),
            file_hosts: vec!["files.pythonhosted.org".to_owned()],
            cache_dir,
            offline: false,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(5 * 60),
            fetch_timeout: Duration::from_secs(30 * 60),
            attempts: 4,
            first_pause: Duration::from_millis(200),
            max_metadata_bytes: 128 << 20,
            max_distribution_bytes: 2 << 30,
            parallel_requests: 16,
        }
    }
}
