//! `reaudit_package`: audits again what a certificate covers; the new certificate replaces it.
//!
//! Idempotent: the key is the certificate, and of two that would replace it the store keeps one.

use std::time::Duration;

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_certificate::PackageCertificate;
use sigma_core::Timestamp;
use sigma_store::{Leased, NewJob, Settle, Wanted};

use super::audit_package::{Certified, Settled};
use super::{Effect, Failure, Kind, Only};
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

/// With pauses from two seconds on, about three minutes of an ecosystem that does not answer.
const FAILURES: u32 = 5;

/// Before what submissions need: somebody decided that the old certificate is not good enough.
const PRIORITY: i64 = 4;

#[derive(Debug, Serialize, Deserialize)]
struct Work {
    certificate: String,
}

/// The job that audits again what a certificate covers.
pub(crate) fn job(certificate: &PackageCertificate, now: Timestamp) -> NewJob {
    NewJob {
        kind: NAME,
        class: certificate.payload().registry_source.as_str().to_owned(),
        key: format!("{NAME}/{}", certificate.id()),
        priority: PRIORITY,
        payload: json!(Work { certificate: certificate.id().to_owned() }).to_string().into_bytes(),
        max_attempts: 2 * FAILURES,
        due_at: now,
    }
}

async fn run(hall: &Hall, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    let work: Work = serde_json::from_slice(&leased.payload)
        .map_err(|error| Failure::for_good(format!("its payload cannot be read: {error}")))?;
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
    let settled = |outcome: PackageOutcome, claim| {
        Box::new(Settled { package: name.clone(), outcome: JobOutcome::of(outcome, lease), _claim: claim })
    };
    if let Some(newer) = hall.replaced_by(&id, &replaced).await? {
        return Ok(settled(PackageOutcome::Cached(Box::new(newer)), claim));
    }
    let Some(package) = hall.release_again(&id, &replaced).await? else {
        let why = "neither the ecosystem nor the store has the bytes that were certified".to_owned();
        return Ok(settled(PackageOutcome::Unavailable(why), claim));
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
        Examined::Sealed(sealed) => Ok(Box::new(Certified { package: name, sealed, lease, _claim: claim })),
        Examined::Settled(PackageOutcome::Unavailable(why)) if leased.attempt < FAILURES => Err(Failure::again(why)),
        Examined::Settled(outcome) => Ok(settled(outcome, claim)),
    }
}
