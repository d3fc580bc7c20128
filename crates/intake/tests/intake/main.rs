//! The room as others see it, against servers on loopback.

mod probe;
mod repository;
mod select;
mod tls;

use sigma_intake::RepositoryConfig;
use sigma_testkit::GitHost;

/// A configuration that allows a host of a test.
fn config_of(host: &GitHost) -> RepositoryConfig {
    RepositoryConfig { hosts: vec![host.address.clone()], allow_loopback: true, ..RepositoryConfig::default() }
}
