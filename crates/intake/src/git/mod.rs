//! Public repositories: one commit, fetched once and read without a checkout.
//!
//! In: an address and a reference. Out: a [`Listing`] of exactly the tree of one commit. gix speaks the protocol and
//! unpacks; the network below it (`wire`) and the limits around it (`pack`) are ours. Nothing reads a configuration, a hook, an
//! attribute or a credential helper, and no program is started.

mod address;
mod error;
mod fetch;
mod history;
mod objects;
mod pack;
mod tree;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sigma_core::{Origin, printable};
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::address::Reference;
pub use self::address::RepositoryAddress;
pub use self::error::RepositoryError;
use self::fetch::{Extent, Session};
pub(crate) use self::objects::Objects;
use self::wire::{Budget, Wire};
use crate::address::{LOOPBACK, client, resolve};
use crate::config::RepositoryConfig;
use crate::listing::{Contents, Listing};

/// Fetches what a branch, tag or commit of a repository stands for now.
///
/// `reference` is a branch, a tag, `HEAD` or a whole commit id; what it was locked to is in [`Listing::origin`].
pub async fn repository(config: &RepositoryConfig, address: &str, reference: &str) -> Result<Listing, RepositoryError> {
    let address = RepositoryAddress::parse(config, address)?;
    let wanted = Reference::parse(reference)?;
    let deadline = Instant::now() + config.within;
    let host = address.host();
    let loopback = if config.allow_loopback { LOOPBACK.as_slice() } else { &[] };
    let networks = [&config.networks, loopback].concat();
    let found = resolve(&host, address.port(), &networks, config.within).await?;
    let client = client(&host, found, &config.authorities)
        .map_err(|error| RepositoryError::Protocol(crate::address::last_cause(&error)))?;

    let interrupt = Arc::new(AtomicBool::new(false));
    // Whoever stops waiting, at the deadline or before it, stops the work too.
    let _guard = Interrupt(interrupt.clone());
    let budget = Budget::new(config, deadline);
    let wire = Wire { client, runtime: Handle::current(), budget: budget.clone() };
    let job = Job { config: config.clone(), address, wanted, asked: printable(reference, 255), interrupt, budget };
    let work = tokio::task::spawn_blocking(move || job.run(wire));
    match tokio::time::timeout_at(deadline, work).await {
        Ok(Ok(listing)) => listing,
        Ok(Err(_)) => Err(RepositoryError::Damaged("reading it failed".to_owned())),
        Err(_) => Err(RepositoryError::Late(config.within)),
    }
}

/// Stops what runs on another thread when it is dropped.
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One fetch, on a thread that may block.
struct Job {
    config: RepositoryConfig,
    address: RepositoryAddress,
    wanted: Reference,
    asked: String,
    interrupt: Arc<AtomicBool>,
    budget: Arc<Budget>,
}

impl Job {
    fn run(self, wire: Wire) -> Result<Listing, RepositoryError> {
        let mut session = Session::open(&self.address, wire)?;
        let commit = history::commit(&mut session, &self.wanted, &self.asked)?;
        // The commit with its whole tree and no history, and where the server can, without files too large to be reviewed.
        let filter = format!("blob:limit={}", self.config.file.saturating_add(1));
        let pack = session.pack(&[commit], &Extent { depth: Some(1), filter })?;
        let objects = pack::unpack(&pack, session.hash, &self.config, &self.interrupt)?;
        let entries = tree::walk(&objects, commit, &self)?;
        if matches!(self.wanted, Reference::Commit(_)) {
            history::owned(&mut session, commit, &self.config, &self.interrupt)?;
        }
        let origin =
            Origin::Repository { url: self.address.to_string(), requested: self.asked, commit: commit.to_string() };
        Ok(Listing::new(origin, entries, Vec::new(), Contents::Repository(Box::new(objects))))
    }

    /// An error once the time is over or nobody waits any more.
    fn check(&self) -> Result<(), RepositoryError> {
        self.budget.check()?;
        match self.interrupt.load(Ordering::Relaxed) {
            true => Err(RepositoryError::Late(self.config.within)),
            false => Ok(()),
        }
    }
}
