//! `reaudit_package`: audits again what a certificate covers; the new certificate replaces it.
//!
//! Idempotent: the key is the certificate, and of two that would replace it the store keeps one.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_certificate::PackageCertificate;
use sigma_core::{SecurityLevel, Timestamp};
use sigma_store::{Leased, NewEntry, NewJob, Settle, StoreError, Wanted, Writing};

use super::audit_package::{Certified, Settled};
use super::{Applied, Effect, Failure, Kind, Only, work};
use crate::audit_package::{Examined, wanted_digests};
use crate::submission::JobOutcome;
use crate::{Hall, PackageOutcome, Silent};

pub(crate) const KIND: Kind = Kind {
    name: NAME,
    failures: FAILURES,
    time_limit: Duration::from_secs(15 * 60),
    run: |hall, leased| run(hall, leased).boxed(),
    gave_up: |_, why| Box::new(Only(Settle::Dead { error: why.to_owned() })),
};

const NAME: &str = "reaudit_package";

/// As for other audits.
const FAILURES: u32 = 5;

/// Before what submissions need: somebody decided that the old certificate is not good enough.
const PRIORITY: i64 = 4;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Work {
    certificate: String,
    /// Who asked for it, and why: what comes of it stands beside that in the log. Jobs that are older than this have neither.
    #[serde(default)]
    operator: String,
    #[serde(default)]
    reason: String,
}

/// The job that audits again what a certificate covers.
pub(crate) fn job(certificate: &PackageCertificate, reason: &str, operator: &str, now: Timestamp) -> NewJob {
    let work =
        Work { certificate: certificate.id().to_owned(), operator: operator.to_owned(), reason: reason.to_owned() };
    NewJob {
        kind: NAME,
        class: certificate.payload().registry_source.as_str().to_owned(),
        key: format!("{NAME}/{}", certificate.id()),
        priority: PRIORITY,
        payload: json!(work).to_string().into_bytes(),
        max_attempts: 2 * FAILURES,
        due_at: now,
    }
}

async fn run(hall: &Hall, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    let work: Work = work(leased)?;
    let sealed = hall.store.certificate(&work.certificate).await?;
    let replaced = sealed.ok_or_else(|| Failure::for_good(format!("there is no certificate {}", work.certificate)))?;
    let replaced = replaced.certificate;
    let id = replaced.payload().package().map_err(|error| Failure::for_good(error.to_string()))?;
    if hall.other_rules(&replaced) {
        return Err(Failure::for_good(format!(
            "it was made under other rules: {}",
            replaced.payload().ruleset_version
        )));
    }
    let (name, lease) = (id.to_string(), leased.lease.number);
    let claim = hall.store.claim(&id).await?;
    let old = replaced.id().to_owned();
    let told = |level, detail: String, inner: Box<dyn Effect>| -> Box<dyn Effect> {
        let detail = sigma_core::printable(&format!("{old} {detail}"), 1_000);
        Box::new(Told { package: name.clone(), work: work.clone(), level, detail, inner })
    };
    let settled = |outcome: PackageOutcome, claim| {
        let detail = outcome_in_words(&outcome);
        let outcome = JobOutcome::of(outcome, lease);
        told("", detail, Box::new(Settled { package: name.clone(), outcome, _claim: claim }))
    };
    if let Some(newer) = hall.replaced_by(&id, &replaced).await? {
        // An earlier run of this job, which has told of it.
        let outcome = JobOutcome::of(PackageOutcome::Cached(Box::new(newer)), lease);
        return Ok(Box::new(Settled { package: name, outcome, _claim: claim }));
    }
    let Some(package) = hall.release_again(&id, &replaced).await? else {
        let why = "neither the ecosystem nor the store has the bytes that were certified".to_owned();
        return Ok(settled(PackageOutcome::Unavailable { why, outage: None }, claim));
    };
    let wanted = Wanted { package: &id, digests: &wanted_digests(&package) };
    if let Some(open) = hall.store.escalation_of(&wanted, hall.analyser.ruleset()).await? {
        let (rationale, warnings) = (open.payload.council_rationale, open.payload.retained_warnings);
        return Ok(settled(PackageOutcome::Escalated { rationale, warnings }, claim));
    }
    let ids = [id];
    let snapshot = hall.advisories(&ids).await.remove(&ids[0]);
    let advisories = snapshot.ok_or_else(|| Failure::again("no advisory snapshot was taken"))?;
    let predecessor = hall.predecessors(&ids).await?.remove(&ids[0]);
    match hall.examine(&package, advisories, predecessor, Some(&replaced), None, &Silent).await? {
        Examined::Sealed(sealed) => {
            let (new, level) = (sealed.certificate.id().to_owned(), sealed.certificate.payload().security_level);
            let certified = Box::new(Certified { package: name.clone(), sealed, lease, _claim: claim });
            Ok(told(SecurityLevel::as_str(level), new, certified))
        }
        Examined::Settled(PackageOutcome::Unavailable { why, outage: Some(outage) }) => {
            let failure = Failure::rest(why.clone(), outage);
            Err(failure.at_last(settled(PackageOutcome::Unavailable { why, outage: None }, claim)))
        }
        Examined::Settled(outcome) => Ok(settled(outcome, claim)),
    }
}

/// Why there is no new certificate.
fn outcome_in_words(outcome: &PackageOutcome) -> String {
    match outcome {
        PackageOutcome::Escalated { rationale, .. } => format!("escalated: {rationale}"),
        PackageOutcome::Unavailable { why, .. } => format!("no new certificate: {why}"),
        _ => "no new certificate".to_owned(),
    }
}

/// Another effect, and the line of the log that says what the new audit came to.
struct Told {
    package: String,
    work: Work,
    level: &'static str,
    detail: String,
    inner: Box<dyn Effect>,
}

#[async_trait]
impl Effect for Told {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        // What the log says comes before everything else that is locked. About the package: what is about a certificate decides how it
        // stands.
        let Work { operator, reason, .. } = &self.work;
        let (subject, level, detail) = (self.package.as_str(), self.level, self.detail.as_str());
        let entry = NewEntry { action: "reaudited", subject, level, detail, reason, operator, at: now };
        writing.record(&entry).await?;
        self.inner.apply(writing, now).await
    }

    fn alone(&self) -> bool {
        true
    }
}
