//! From what an ecosystem attests about a release's origin to reasons.
//!
//! In: a dossier's provenance. Out: reasons. What is not known is no reason: "unavailable" is disclosed, and judged by nobody.
//!
//! | what | level |
//! | --- | --- |
//! | attestations that do not verify | CAUTION |
//! | attestations under roots that are not pinned: made up, or newer than the roots here | MONITORED |
//! | published by another owner than before | CAUTION; MONITORED at a major step, which may be another program |
//! | from another repository of the same owner | MONITORED |
//! | by another workflow of the same repository | MONITORED; CLEAR at a major step |
//! | attested before, and no longer | MONITORED |
//!
//! Beside something new, a publisher who is another one, or who is no longer attested, is held to the narrower promise, as a
//! newcomer is: whoever stole a token of the registry cannot sign as the workflow.

use sigma_core::{Dossier, ProvenanceStatus, PublisherChange, PublisherIdentity, Reason, SecurityLevel};

use crate::strands::Promise;

/// Whether whoever published is not known to be who published before.
pub(crate) fn stranger(dossier: &Dossier) -> bool {
    let newcomer = dossier.delta.as_ref().is_some_and(|delta| delta.newcomer().is_some());
    newcomer || matches!(dossier.provenance.change(), Some(PublisherChange::Owner | PublisherChange::Lost))
}

/// Attestations that do not verify, distribution by distribution.
pub(crate) fn invalid(dossier: &Dossier) -> Vec<Reason> {
    let all = dossier.provenance.distributions.iter();
    all.filter(|one| one.status == ProvenanceStatus::Invalid)
        .map(|one| {
            let why = one.reason.as_deref().unwrap_or("no reason is known");
            let (level, code) = match one.unknown_roots {
                false => (SecurityLevel::Caution, "provenance-invalid"),
                true => (SecurityLevel::Monitored, "provenance-unknown-roots"),
            };
            let message = format!("the ecosystem serves attestations that do not verify: {why}");
            let distribution = Some(one.filename.clone());
            Reason { level, code: code.to_owned(), message, distribution, location: None, evidence: None }
        })
        .collect()
}

/// A publisher who is another one than before, or gone.
pub(crate) fn changed(dossier: &Dossier, promise: Promise) -> Option<Reason> {
    let change = dossier.provenance.change()?;
    let previous = dossier.provenance.previous.as_ref()?;
    let (before, version) = (previous.publisher.words(), &previous.version);
    let (level, code, message) = match change {
        PublisherChange::Lost => (
            SecurityLevel::Monitored,
            "provenance-lost",
            format!("no attestation says where it comes from; version {version} was attested by {before}"),
        ),
        PublisherChange::Owner | PublisherChange::Repository | PublisherChange::Workflow => {
            let level = match (change, promise) {
                (PublisherChange::Owner, Promise::None) => SecurityLevel::Monitored,
                (PublisherChange::Owner, _) => SecurityLevel::Caution,
                (PublisherChange::Workflow, Promise::None) => SecurityLevel::Clear,
                _ => SecurityLevel::Monitored,
            };
            let verified = dossier.provenance.distributions.iter().filter_map(|one| one.publisher.as_ref());
            let now: Vec<String> = verified.map(PublisherIdentity::words).collect();
            let now = now.iter().find(|words| **words != before).or(now.first())?;
            let what = match change {
                PublisherChange::Owner => "another publisher",
                PublisherChange::Repository => "another repository of the same owner",
                _ => "another workflow of the same repository",
            };
            (level, "provenance-changed", format!("published by {now}, {what} than {before} of version {version}"))
        }
    };
    let reason = Reason { level, code: code.to_owned(), message, distribution: None, location: None, evidence: None };
    (level > SecurityLevel::Clear).then_some(reason)
}
