//! Advisories that a certificate lacks: asked for once, however many ask at the same time, and remembered.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use moka::future::Cache;
use sigma_core::{AdvisorySnapshot, AdvisoryState, PackageId, Timestamp};
use sigma_store::Store;
use tokio::sync::Semaphore;

use crate::{Clock, ServerConfig};

/// Asks an ecosystem for the advisories of an exact package.
pub type AskAdvisories = Arc<dyn Fn(PackageId) -> BoxFuture<'static, AdvisorySnapshot> + Send + Sync>;

/// Packages whose last answer is at hand, beside what the store remembers.
const RECENT: u64 = 10_000;

pub(crate) struct Advisories {
    ask: Option<AskAdvisories>,
    store: Store,
    clock: Clock,
    recent: Cache<PackageId, AdvisorySnapshot>,
    places: Semaphore,
    patience: Duration,
    lifetime: Duration,
    pause: Duration,
}

impl Advisories {
    pub(crate) fn new(ask: Option<AskAdvisories>, store: Store, clock: Clock, config: &ServerConfig) -> Self {
        let pause = Duration::from_secs(config.advisory_pause_minutes * 60);
        Self {
            ask,
            store,
            clock,
            recent: Cache::builder().max_capacity(RECENT).time_to_live(pause.max(Duration::from_secs(1))).build(),
            places: Semaphore::new(config.advisory_parallel.max(1)),
            patience: Duration::from_secs(config.advisory_seconds),
            lifetime: Duration::from_secs(config.advisory_lifetime_hours * 3600),
            pause,
        }
    }

    /// The advisories of a package whose certificate has none, given what the store remembers. A list that is too old and cannot
    /// be renewed is still better than none: it says when it is from.
    pub(crate) async fn of(
        &self,
        package: &PackageId,
        remembered: Option<AdvisorySnapshot>,
    ) -> Option<AdvisorySnapshot> {
        let Some(ask) = &self.ask else { return remembered };
        let now = (self.clock)();
        if remembered.as_ref().is_some_and(|snapshot| now < self.until(snapshot)) {
            return remembered;
        }
        // Whoever comes while the question is under way waits for the same answer.
        let asked = self.recent.get_with_by_ref(package, self.ask_now(ask, package)).await;
        match remembered {
            Some(old) if asked.listed().is_none() && old.listed().is_some() => Some(old),
            _ => Some(asked),
        }
    }

    /// Until when a snapshot is used without asking again.
    pub(crate) fn until(&self, snapshot: &AdvisorySnapshot) -> Timestamp {
        let lasts = if snapshot.listed().is_some() { self.lifetime } else { self.pause };
        let millis = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(snapshot.queried_at.as_millis().saturating_add(millis))
    }

    /// When somebody may ask again after an answer that did not renew anything.
    pub(crate) fn soon(&self) -> Timestamp {
        let pause = i64::try_from(self.pause.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis((self.clock)().as_millis().saturating_add(pause))
    }

    async fn ask_now(&self, ask: &AskAdvisories, package: &PackageId) -> AdvisorySnapshot {
        let unavailable = |reason: &str| AdvisorySnapshot {
            source: package.ecosystem().title().to_owned(),
            queried_at: (self.clock)(),
            state: AdvisoryState::Unavailable { reason: reason.to_owned() },
        };
        let asking = async {
            let _place = self.places.acquire().await.ok()?;
            Some(ask(package.clone()).await)
        };
        let snapshot = match tokio::time::timeout(self.patience, asking).await {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => unavailable("the server is stopping"),
            Err(_) => unavailable("no answer in time"),
        };
        if let Err(error) = self.store.remember_advisories(package, &snapshot).await {
            tracing::warn!(%error, package.id = %package, "advisories were asked for and cannot be remembered");
        }
        snapshot
    }
}
