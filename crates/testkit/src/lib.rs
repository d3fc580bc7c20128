//! Fake ecosystems, a fake model and package builders for scenario tests.
//!
//! In: what a test says about packages and about how a server misbehaves. Out: real archives with fixed bytes, served
//! on loopback by [`FakePypi`] and [`FakeNpm`], which the real clients talk to, and which count what they were asked.
//! Test code only: it panics freely, and no room may depend on it outside tests.
//!
//! ```no_run
//! use sigma_testkit::{FakeEcosystem, Misbehaviour, Wheel};
//!
//! let eco = FakeEcosystem::start();
//! let wheel = eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "x = 1\n").build());
//! eco.pypi.server.misbehave("/files/demo-1.0-py3-none-any.whl", Misbehaviour::Status(500)).times(2);
//! // Point the code under test at `eco.pypi.index_url()` and `wheel.url`, then look at what it asked for:
//! assert_eq!(eco.pypi.downloads(), 0);
//! ```
#![warn(missing_docs)]

mod archive;
mod built;
mod evm_node;
mod git_host;
mod loopback;
mod misbehaviour;
mod model;
mod npm;
mod npm_tarball;
mod postgres;
mod private_postgres;
mod pypi;
mod python_metadata;
mod sdist;
mod sigstore;
mod tls;
mod wheel;

pub use archive::{Entry, gzip, tar_gz_of, tar_of, zip_of};
pub use built::Built;
pub use evm_node::{EvmNode, Hold, LyingNode, chain_program, chain_tool};
pub use git_host::{GitHost, GitRepository, Request, TreeEntry};
pub use loopback::{Asked, Loopback};
pub use misbehaviour::{Fault, Misbehaviour};
pub use model::{FakeModel, Manner};
pub use npm::FakeNpm;
pub use npm_tarball::NpmTarball;
pub use postgres::fresh_postgres;
pub use private_postgres::PrivatePostgres;
pub use pypi::FakePypi;
pub use sdist::Sdist;
pub use sigstore::{FakeSigstore, Flaw, Workload};
pub use tls::{TlsAuthority, TlsFront, TlsIdentity};
pub use wheel::Wheel;

/// Both ecosystems, empty, on loopback.
pub struct FakeEcosystem {
    /// The Python Package Index.
    pub pypi: FakePypi,
    /// The npm registry.
    pub npm: FakeNpm,
}

impl FakeEcosystem {
    /// Starts both servers. They stop when this is dropped.
    pub fn start() -> Self {
        Self { pypi: FakePypi::start(), npm: FakeNpm::start() }
    }
}
