//! `audit_package`: one package, from its published files to a certificate, for everybody who needs it.
//!
//! Idempotent: the key is the package, its bytes and the ruleset. The certificate and the acknowledgement are one
//! transaction, so that it is known afterwards who had it made.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_certificate::canonical_bytes;
use sigma_core::{Depth, ExpectedDigest, ResolvedPackage, Sha256, Timestamp};
use sigma_store::{Claim, Leased, NewJob, Sealed, Settle, StoreError, Writing};

use super::{Applied, Effect, Failure, Kind, work};
use crate::audit_package::{Examined, sealed_outcome};
use crate::submission::JobOutcome;
use crate::{AuditError, Hall, PackageOutcome, Silent};

pub(crate) const KIND: Kind = Kind {
    name: NAME,
    failures: FAILURES,
    // The largest packages take a minute to fetch and analyse; a slow ecosystem may take ten.
    time_limit: Duration::from_secs(15 * 60),
    run: |hall, leased| run(hall, leased).boxed(),
    gave_up: |leased, why| Box::new(GaveUp { package: package_of(leased), why: why.to_owned() }),
};

const NAME: &str = "audit_package";

/// Failures of our own, such as a full disk: with pauses from two seconds on, about three minutes.
const FAILURES: u32 = 5;

/// What is to be audited.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    package: ResolvedPackage,
    /// The certificate of the version that it is compared with, chosen before anything of the submission was certified.
    predecessor: Option<String>,
}

/// The job that audits a package.
///
/// # Errors
/// When the package cannot be written as JSON.
pub(crate) fn job(
    package: &ResolvedPackage,
    predecessor: Option<String>,
    ruleset: &str,
    now: Timestamp,
) -> Result<NewJob, AuditError> {
    let internal = |error: &dyn std::fmt::Display| AuditError::Internal(error.to_string());
    let published = package.release.distributions.first().map_or(&[][..], |preferred| &preferred.published);
    // Pins that agree with what is published add nothing. Others are this project's alone, and so is their audit.
    let agrees = package.pinned.iter().any(|pin| published.contains(pin));
    let pinned: &[ExpectedDigest] = if agrees { &[] } else { &package.pinned };
    let bytes = canonical_bytes(&(published, pinned)).map_err(|error| internal(&error))?;
    let work = Work {
        // Who needs it, and how deep it lies, does not change what it is.
        package: ResolvedPackage {
            depth: Depth::Direct,
            parents: Vec::new(),
            pinned: pinned.to_vec(),
            ..package.clone()
        },
        predecessor,
    };
    Ok(NewJob {
        kind: NAME,
        class: package.id.ecosystem().as_str().to_owned(),
        key: format!("{NAME}/{}/{}/{ruleset}", package.id, Sha256::of(&bytes)),
        // What is near decides whether a submission goes on.
        priority: match package.depth {
            Depth::Direct => 3,
            Depth::TransitiveL1 => 2,
            Depth::TransitiveL2 => 1,
            Depth::TransitiveL3 | Depth::Beyond => 0,
        },
        payload: serde_json::to_vec(&work).map_err(|error| internal(&error))?,
        max_attempts: 2 * FAILURES,
        due_at: now,
    })
}

async fn run(hall: &Hall, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    let work: Work = work(leased)?;
    let package = &work.package;
    let (name, ids) = (package.id.to_string(), [package.id.clone()]);
    // Held until the certificate is stored, against `sigma audit` on the same store.
    let claim = hall.store.claim(&package.id).await?;
    if let Some(known) = hall.known(package).await? {
        let outcome = earlier(leased, &known).unwrap_or_else(|| JobOutcome::of(known, leased.lease.number));
        return Ok(Box::new(Settled { package: name, outcome, _claim: claim }));
    }
    let snapshot = hall.advisories(&ids).await.remove(&package.id);
    let advisories = snapshot.ok_or_else(|| Failure::again("no advisory snapshot was taken"))?;
    let predecessor = match &work.predecessor {
        Some(id) => hall.store.certificate(id).await?.map(|sealed| sealed.certificate),
        None => None,
    };
    match hall.examine(package, advisories, predecessor, None, None, &Silent).await? {
        Examined::Sealed(sealed) => {
            Ok(Box::new(Certified { package: name, sealed, lease: leased.lease.number, _claim: claim }))
        }
        Examined::Settled(outcome) => {
            let failure = match &outcome {
                PackageOutcome::Unavailable { why, outage: Some(outage) } => Some(Failure::rest(why, outage.clone())),
                _ => None,
            };
            let outcome = JobOutcome::of(outcome, leased.lease.number);
            let settled = Box::new(Settled { package: name, outcome, _claim: claim });
            // An ecosystem that does not answer may answer later. When it never does, that is what came out.
            match failure {
                Some(failure) => Err(failure.at_last(settled)),
                None => Ok(settled),
            }
        }
    }
}

/// The outcome of an earlier run of the same job, when it sealed the very certificate that is known now: a run that somebody
/// asked for a moment too late must not make it look as if nobody had had it made.
fn earlier(leased: &Leased, known: &PackageOutcome) -> Option<JobOutcome> {
    let PackageOutcome::Cached(certificate) = known else { return None };
    let earlier: JobOutcome = serde_json::from_slice(&leased.outcome).ok()?;
    matches!(&earlier, JobOutcome::Audited { certificate_id, .. } if certificate_id == certificate.id())
        .then_some(earlier)
}

/// A certificate to be stored.
pub(super) struct Certified {
    pub package: String,
    pub sealed: Box<Sealed>,
    pub lease: i64,
    pub _claim: Claim,
}

#[async_trait]
impl Effect for Certified {
    async fn apply(&self, writing: &mut Writing, _: Timestamp) -> Result<Applied, StoreError> {
        let stored = writing.insert(&self.sealed).await?;
        Ok(applied(&self.package, JobOutcome::of(sealed_outcome(&self.sealed, stored), self.lease)))
    }
}

/// An outcome that is in the store already, or nowhere else.
pub(super) struct Settled {
    pub package: String,
    pub outcome: JobOutcome,
    pub _claim: Claim,
}

#[async_trait]
impl Effect for Settled {
    async fn apply(&self, _: &mut Writing, _: Timestamp) -> Result<Applied, StoreError> {
        Ok(applied(&self.package, self.outcome.clone()))
    }
}

fn applied(package: &str, outcome: JobOutcome) -> Applied {
    let outcome = json!(outcome);
    let mut event = outcome.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.insert("package".to_owned(), json!(package));
        // What the council holds against it is in the result; events are short.
        fields.remove("warnings");
        fields.remove("lease");
    }
    Applied {
        settle: Settle::Done { outcome: outcome.to_string().into_bytes() },
        event: Some(("package", event.to_string().into_bytes())),
    }
}

/// The audit failed for reasons of our own.
struct GaveUp {
    package: Option<String>,
    why: String,
}

#[async_trait]
impl Effect for GaveUp {
    async fn apply(&self, _: &mut Writing, _: Timestamp) -> Result<Applied, StoreError> {
        // Why is for operators: it may tell of our machines.
        let event = json!({"package": self.package, "status": "failed"});
        Ok(Applied {
            settle: Settle::Dead { error: self.why.clone() },
            event: Some(("package", event.to_string().into_bytes())),
        })
    }
}

fn package_of(leased: &Leased) -> Option<String> {
    serde_json::from_slice::<Work>(&leased.payload).ok().map(|work| work.package.id.to_string())
}
