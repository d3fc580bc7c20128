//! What the handlers share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sigma_certificate::Endpoints;
use sigma_core::Timestamp;
use sigma_pipeline::{FileListing, LedgerReader};
use sigma_store::{Database, Store, StoreError};

use crate::advisories::Advisories;
use crate::developer::{Developer, Plane};
use crate::limit::Limiter;
use crate::metrics::Metrics;
use crate::public::stats::Stats;
use crate::ready::Answers;
use crate::{AskAdvisories, ServerConfig};

/// Tells the time. Injected, so that tests decide what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The server's state. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// What [`App`] shares; of this crate alone.
pub struct Inner {
    pub(crate) config: ServerConfig,
    pub(crate) store: Store,
    pub(crate) answers: Answers,
    pub(crate) limiter: Limiter,
    pub(crate) metrics: Metrics,
    pub(crate) stats: Stats,
    /// The developer plane, once it is open.
    pub(crate) plane: OnceLock<Plane>,
    /// The transparency log, where there is one.
    pub(crate) ledger: OnceLock<LedgerReader>,
    /// The files inside certified distributions.
    pub(crate) files: OnceLock<FileListing>,
    clock: Clock,
    /// Set when the server was told to stop: it is not ready for more.
    pub(crate) stopping: AtomicBool,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl App {
    /// Puts the state together. `ask` asks ecosystems for advisories that certificates lack; without it they stay unavailable.
    pub async fn new(
        store: Store,
        database: &Database,
        api_base: &str,
        config: ServerConfig,
        ask: Option<AskAdvisories>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let advisories = Arc::new(Advisories::new(ask, store.clone(), clock.clone(), &config));
        let endpoints = Endpoints::new(api_base);
        let answers = Answers::new(&store, database, endpoints, advisories, clock.clone(), config.ready_bytes).await?;
        let inner = Inner {
            limiter: Limiter::new(&config),
            metrics: Metrics::new(Duration::from_secs(config.stats_seconds)),
            stats: Stats::new(&config),
            plane: OnceLock::new(),
            ledger: OnceLock::new(),
            files: OnceLock::new(),
            clock,
            stopping: AtomicBool::new(false),
            config,
            store,
            answers,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens the developer plane. Once: a second time changes nothing.
    pub fn open_developer_plane(&self, developer: Developer) {
        let _ = self.inner.plane.set(Plane::new(developer));
    }

    /// The store that it answers from.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Opens the transparency log to readers. Once: a second time changes nothing.
    pub fn open_ledger(&self, ledger: LedgerReader) {
        let _ = self.inner.ledger.set(ledger);
    }

    /// Opens the lists of files inside certified distributions. Once: a second time changes nothing.
    pub fn open_files(&self, files: FileListing) {
        let _ = self.inner.files.set(files);
    }

    /// Certificates are put on a chain: those that are not there yet wait for it.
    pub fn anchors_on_a_chain(&self) {
        self.inner.answers.anchor();
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }
}
