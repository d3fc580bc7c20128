//! Answers about single packages, kept ready.
//!
//! A certificate never changes, so its answer is made once and kept as bytes with its entity tag. What can change is told by the
//! store's reader before an answer is taken from here; see [`sigma_store::Reader`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sigma_certificate::{Endpoints, OnChain, PackageCertificate, PackageView, Since, lacks_advisories};
use sigma_core::{PackageId, Sha256, Timestamp};
use sigma_store::{Anchor, Change, Database, OnChange, Reader, Record, Store, StoreError};

use crate::Clock;
use crate::advisories::Advisories;
use crate::conditional::{Tagged, etag};
use crate::encoding::Encoding;
use crate::kept::{Kept, Known, View};

pub(crate) struct Answers {
    store: Store,
    reader: Reader,
    kept: Arc<Kept>,
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
        let kept = Arc::new(Kept::new(bytes));
        let forget = kept.clone();
        let on_change: OnChange = Arc::new(move |change| match change {
            Change::Package(package) => forget.forget(&package),
            Change::Everything => forget.forget_all(),
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
        self.kept.forget_all();
    }

    /// Where a certificate is on a chain.
    pub(crate) fn on_chain(&self, anchor: Option<&Anchor>) -> OnChain {
        sigma_pipeline::on_chain(anchor, self.anchoring.load(Ordering::Relaxed))
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How many answers are kept packed, of how many bytes, and how many those take.
    #[cfg(test)]
    pub(crate) fn packed(&self) -> (usize, usize, usize) {
        self.kept.packed()
    }

    /// What is known about an address below that of packages, the answer in an encoding; none where the store has to be asked, or
    /// nothing is known to be fresh.
    pub(crate) fn at(&self, address: &str, encoding: Encoding) -> Option<Known> {
        if self.reader.fresh() { self.kept.at(address, encoding, &*self.clock) } else { None }
    }

    /// The answer about an exact package; none where it is not certified.
    pub(crate) async fn of(&self, package: &PackageId, view: View) -> Result<Option<Tagged>, StoreError> {
        if self.reader.fresh()
            && let Some(known) = self.kept.of(package, view, &*self.clock)
        {
            return Ok(known.answer());
        }
        self.read(package, view).await
    }

    /// The same for whoever knows that it is not ready.
    pub(crate) async fn read(&self, package: &PackageId, view: View) -> Result<Option<Tagged>, StoreError> {
        let (fresh, epoch) = (self.reader.fresh(), self.reader.epoch());
        let Some(record) = self.reader.package(package).await? else {
            self.keep_uncertified(package, view, fresh.then_some(epoch));
            return Ok(None);
        };
        self.make(package, view, record, fresh.then_some(epoch)).await.map(Some)
    }

    /// The answers about many packages, in the same order: what is ready, and one query for the rest. No ecosystem is asked: what
    /// a certificate lacks is what is remembered, or stays unavailable until somebody asks for that package alone.
    pub(crate) async fn of_all(&self, packages: &[PackageId]) -> Result<Vec<Option<Tagged>>, StoreError> {
        let (fresh, view) = (self.reader.fresh(), View::Package);
        let kept = |package: &PackageId| if fresh { self.kept.of(package, view, &*self.clock) } else { None };
        let known: Vec<Option<Known>> = packages.iter().map(kept).collect();
        let missing: Vec<usize> = (0..packages.len()).filter(|&index| known[index].is_none()).collect();
        let mut answers: Vec<Option<Tagged>> = known.into_iter().map(|known| known?.answer()).collect();
        if missing.is_empty() {
            return Ok(answers);
        }
        let epoch = self.reader.epoch();
        let wanted: Vec<PackageId> = missing.iter().map(|&index| packages[index].clone()).collect();
        for (index, record) in missing.into_iter().zip(self.reader.packages(&wanted).await?) {
            let package = &packages[index];
            if let Some(record) = record {
                answers[index] = Some(match lacks_advisories(&record.payload) {
                    true => self.write(package, view, record, 0)?,
                    false => self.make(package, view, record, fresh.then_some(epoch)).await?,
                });
            } else {
                self.keep_uncertified(package, view, fresh.then_some(epoch));
            }
        }
        Ok(answers)
    }

    /// Makes an answer and keeps it, unless something changed since `epoch`.
    async fn make(
        &self,
        package: &PackageId,
        view: View,
        record: Record,
        epoch: Option<u64>,
    ) -> Result<Tagged, StoreError> {
        let (answer, until) = self.answer(package, view, record).await?;
        if let Some(epoch) = epoch {
            self.kept.keep(package, view, &answer, until);
            if self.reader.epoch() != epoch {
                self.kept.forget(package);
            }
        }
        Ok(answer)
    }

    /// Keeps that a package is not certified, unless something changed since `epoch`: it may be certified by now.
    fn keep_uncertified(&self, package: &PackageId, view: View, epoch: Option<u64>) {
        let Some(epoch) = epoch else { return };
        self.kept.keep_uncertified(package, view);
        if self.reader.epoch() != epoch {
            self.kept.forget(package);
        }
    }

    async fn answer(
        &self,
        package: &PackageId,
        view: View,
        mut record: Record,
    ) -> Result<(Tagged, Option<Timestamp>), StoreError> {
        let mut until = None;
        if lacks_advisories(&record.payload) {
            record.advisories = self.advisories.of(package, record.advisories.take()).await;
            let holds = record.advisories.as_ref().map(|snapshot| self.advisories.until(snapshot));
            until = Some(holds.filter(|until| *until > (self.clock)()).unwrap_or_else(|| self.advisories.soon()));
        }
        // Only that answer tells of flags.
        let flags = match view {
            View::Package => 0,
            View::Verify => self.store.open_flags(package).await?,
        };
        Ok((self.write(package, view, record, flags)?, until))
    }

    /// The body and its tag, which follows from all that the body is made of.
    fn write(&self, package: &PackageId, view: View, record: Record, flags: u64) -> Result<Tagged, StoreError> {
        let on_chain = self.on_chain(record.anchor.as_ref());
        let there = serde_json::to_string(&on_chain).map_err(|error| damaged(&record.id, error))?;
        let tag = etag(&format!(
            "{}-{}-{}-{flags}-{}",
            record.id,
            record.decision.as_ref().map_or(0, |decision| decision.seq),
            record.advisories.as_ref().map_or(0, |snapshot| snapshot.queried_at.as_millis()),
            &Sha256::of(there.as_bytes()).to_string()[..16],
        ));
        Ok(Tagged::plain(self.body(package, view, record, flags, &on_chain)?.into(), tag))
    }

    fn body(
        &self,
        package: &PackageId,
        view: View,
        record: Record,
        flags: u64,
        on_chain: &OnChain,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = view == View::Package && record.decision.is_none() && record.advisories.is_none();
        if plain && !lacks_advisories(&record.payload) {
            let verify = self.endpoints.verify(package.ecosystem(), package.name().as_str(), package.version());
            if let Some(body) =
                PackageView::splice(&record.id, on_chain, &record.payload_hash, &verify, &record.payload)
            {
                return Ok(body);
            }
        }
        let certificate =
            PackageCertificate::reopen(&record.id, record.payload).map_err(|error| damaged(&record.id, error))?;
        let (decision, advisories) = (record.decision.as_ref(), record.advisories.as_ref());
        let since = Since { decision, advisories, flags, on_chain: Some(on_chain) };
        let json = match view {
            View::Package => serde_json::to_vec(&certificate.view(&self.endpoints, since)),
            View::Verify => serde_json::to_vec(&certificate.verify_view(&self.endpoints, since)),
        };
        json.map_err(|error| damaged(&record.id, error))
    }
}

fn damaged(id: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged { what: format!("certificate {id}"), why: why.to_string() }
}
