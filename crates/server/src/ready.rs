//! Answers about single packages, kept ready.
//!
//! A certificate never changes, so its answer is made once and kept as bytes with its entity tag. What can change is told by the
//! store's reader before an answer is taken from here; see [`sigma_store::Reader`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use moka::sync::Cache;
use sigma_certificate::{Endpoints, OnChain, PackageCertificate, PackageView, Since, lacks_advisories};
use sigma_core::{PackageId, Sha256, Timestamp};
use sigma_store::{Anchor, Change, Database, OnChange, Reader, Record, Store, StoreError};

use crate::Clock;
use crate::advisories::Advisories;
use crate::conditional::{Tagged, etag};

/// Which answer about a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum View {
    /// The certificate.
    Package,
    /// The certificate with what is needed to verify it.
    Verify,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    package: PackageId,
    view: View,
}

#[derive(Debug, Clone)]
struct Ready {
    answer: Tagged,
    /// Until when it holds; for good where nothing in it grows old.
    until: Option<Timestamp>,
}

/// What an entry costs beside its body: key, tag, and the cache's own records.
const OVERHEAD: usize = 400;

pub(crate) struct Answers {
    store: Store,
    reader: Reader,
    kept: Cache<Key, Ready>,
    endpoints: Endpoints,
    advisories: Arc<Advisories>,
    clock: Clock,
    /// Whether certificates are put on a chain.
    anchoring: AtomicBool,
}

impl Answers {
    pub(crate) async fn new(
        store: &Store,
        database: &Database,
        endpoints: Endpoints,
        advisories: Arc<Advisories>,
        clock: Clock,
        bytes: u64,
    ) -> Result<Self, StoreError> {
        let kept: Cache<Key, Ready> = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, ready: &Ready| u32::try_from(ready.answer.body.len() + OVERHEAD).unwrap_or(u32::MAX))
            .build();
        let forget = kept.clone();
        let on_change: OnChange = Arc::new(move |change| match change {
            Change::Package(package) => {
                for view in [View::Package, View::Verify] {
                    forget.invalidate(&Key { package: package.clone(), view });
                }
            }
            Change::Everything => forget.invalidate_all(),
        });
        let reader = store.reader(database, on_change).await?;
        let anchoring = AtomicBool::new(false);
        Ok(Self { store: store.clone(), reader, kept, endpoints, advisories, clock, anchoring })
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// From now on, certificates are put on a chain.
    pub(crate) fn anchor(&self) {
        self.anchoring.store(true, Ordering::Relaxed);
        self.kept.invalidate_all();
    }

    /// Where a certificate is on a chain.
    pub(crate) fn on_chain(&self, anchor: Option<&Anchor>) -> OnChain {
        sigma_pipeline::on_chain(anchor, self.anchoring.load(Ordering::Relaxed))
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The answer that is ready; none where it has to be made, or nothing is known to be fresh.
    pub(crate) fn at_hand(&self, package: PackageId, view: View) -> Option<Tagged> {
        if self.reader.fresh() { self.kept(&Key { package, view }) } else { None }
    }

    /// The answer about an exact package; none where it is not certified.
    pub(crate) async fn of(&self, package: PackageId, view: View) -> Result<Option<Tagged>, StoreError> {
        let key = Key { package, view };
        let fresh = self.reader.fresh();
        if fresh && let Some(answer) = self.kept(&key) {
            return Ok(Some(answer));
        }
        let epoch = self.reader.epoch();
        let Some(record) = self.reader.package(&key.package).await? else { return Ok(None) };
        self.make(key, record, fresh.then_some(epoch)).await.map(Some)
    }

    /// The answers about many packages, in the same order: what is ready, and one query for the rest. No ecosystem is asked: what
    /// a certificate lacks is what is remembered, or stays unavailable until somebody asks for that package alone.
    pub(crate) async fn of_all(&self, packages: &[PackageId]) -> Result<Vec<Option<Tagged>>, StoreError> {
        let fresh = self.reader.fresh();
        let key = |package: &PackageId| Key { package: package.clone(), view: View::Package };
        let mut answers: Vec<Option<Tagged>> =
            packages.iter().map(|package| if fresh { self.kept(&key(package)) } else { None }).collect();
        let missing: Vec<usize> = (0..packages.len()).filter(|&index| answers[index].is_none()).collect();
        if missing.is_empty() {
            return Ok(answers);
        }
        let epoch = self.reader.epoch();
        let wanted: Vec<PackageId> = missing.iter().map(|&index| packages[index].clone()).collect();
        for (index, record) in missing.into_iter().zip(self.reader.packages(&wanted).await?) {
            if let Some(record) = record {
                let key = key(&packages[index]);
                answers[index] = Some(match lacks_advisories(&record.payload) {
                    true => self.write(&key, record, 0)?,
                    false => self.make(key, record, fresh.then_some(epoch)).await?,
                });
            }
        }
        Ok(answers)
    }

    fn kept(&self, key: &Key) -> Option<Tagged> {
        let ready = self.kept.get(key)?;
        let holds = ready.until.is_none_or(|until| (self.clock)() < until);
        holds.then_some(ready.answer)
    }

    /// Makes an answer and keeps it, unless something changed since `epoch`.
    async fn make(&self, key: Key, record: Record, epoch: Option<u64>) -> Result<Tagged, StoreError> {
        let (answer, until) = self.answer(&key, record).await?;
        if let Some(epoch) = epoch {
            self.kept.insert(key.clone(), Ready { answer: answer.clone(), until });
            if self.reader.epoch() != epoch {
                self.kept.invalidate(&key);
            }
        }
        Ok(answer)
    }

    async fn answer(&self, key: &Key, mut record: Record) -> Result<(Tagged, Option<Timestamp>), StoreError> {
        let mut until = None;
        if lacks_advisories(&record.payload) {
            record.advisories = self.advisories.of(&key.package, record.advisories.take()).await;
            let holds = record.advisories.as_ref().map(|snapshot| self.advisories.until(snapshot));
            until = Some(holds.filter(|until| *until > (self.clock)()).unwrap_or_else(|| self.advisories.soon()));
        }
        // Only that answer tells of flags.
        let flags = match key.view {
            View::Package => 0,
            View::Verify => self.store.open_flags(&key.package).await?,
        };
        Ok((self.write(key, record, flags)?, until))
    }

    /// The body and its tag, which follows from all that the body is made of.
    fn write(&self, key: &Key, record: Record, flags: u64) -> Result<Tagged, StoreError> {
        let on_chain = self.on_chain(record.anchor.as_ref());
        let there = Sha256::of(&serde_json::to_vec(&on_chain).unwrap_or_default()).to_string();
        let tag = etag(&format!(
            "{}-{}-{}-{flags}-{}",
            record.id,
            record.decision.as_ref().map_or(0, |decision| decision.seq),
            record.advisories.as_ref().map_or(0, |snapshot| snapshot.queried_at.as_millis()),
            &there[..16],
        ));
        Ok(Tagged { body: self.body(key, record, flags, &on_chain)?.into(), etag: tag })
    }

    fn body(&self, key: &Key, record: Record, flags: u64, on_chain: &OnChain) -> Result<Vec<u8>, StoreError> {
        if key.view == View::Package && record.decision.is_none() && record.advisories.is_none() {
            let package = &key.package;
            let verify = self.endpoints.verify(package.ecosystem(), package.name().as_str(), package.version());
            if let Some(body) =
                PackageView::splice(&record.id, on_chain, &record.payload_hash, &verify, &record.payload)
                && !lacks_advisories(&record.payload)
            {
                return Ok(body);
            }
        }
        let damaged = |why: String| StoreError::Damaged { what: format!("certificate {}", record.id), why };
        let certificate = PackageCertificate::open(record.payload).map_err(|error| StoreError::Damaged {
            what: format!("certificate {}", record.id),
            why: error.to_string(),
        })?;
        let (decision, advisories) = (record.decision.as_ref(), record.advisories.as_ref());
        let since = Since { decision, advisories, flags, on_chain: Some(on_chain) };
        let json = match key.view {
            View::Package => serde_json::to_vec(&certificate.view(&self.endpoints, since)),
            View::Verify => serde_json::to_vec(&certificate.verify_view(&self.endpoints, since)),
        };
        json.map_err(|error| damaged(error.to_string()))
    }
}
