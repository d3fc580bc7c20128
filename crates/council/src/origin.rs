//! From what an ecosystem attests about a release's origin to reasons.
//!
//! In: a dossier's provenance. Out: reasons. What is not known is no reason: "unavailable" is disclosed, and judged by nobody.
//!
//! Beside something new, a publisher who is another one, or who is no longer attested, is held to the narrower promise, as a
//! newcomer is: whoever stole a token of the registry cannot sign as the workflow.

use sigma_core::{Dossier, ProvenanceStatus, PublisherChange, PublisherIdentity, Reason, SecurityLevel};

use crate::strands::Promise;

/// What the council says about origins.
#[derive(Debug, Clone, Copy)]
pub struct OriginFinding {
    /// The code that warnings have.
    pub code: &'static str,
    /// The level that it asks for.
    pub level: &'static str,
    /// What it says, and why.
    pub what: &'static str,
}

/// All of it, for the documentation.
pub const ORIGIN_FINDINGS: [OriginFinding; 4] = [
    OriginFinding {
        code: INVALID,
        level: "CAUTION",
        what: "The ecosystem serves attestations (npm provenance, PEP 740) that do not verify: the signature, certificate, log \
               entry, subject or digest is not right, or the index names another publisher than the certificate.",
    },
    OriginFinding {
        code: UNKNOWN_ROOTS,
        level: "MONITORED",
        what: "They are signed under roots that are not pinned: somebody made them up, or the roots here are out of date.",
    },
    OriginFinding {
        code: CHANGED,
        level: "another owner: CAUTION, at a major step MONITORED; another repository of the same owner: MONITORED; another \
                workflow of the same repository: MONITORED, at a major step CLEAR",
        what: "Another publisher than that of the last version whose attestations verified. Ids of repositories and owners count \
               before names, so that a renamed repository is the same.",
    },
    OriginFinding {
        code: LOST,
        level: "MONITORED, for as long as nothing is attested again",
        what: "An earlier version was attested, and the ecosystem has no attestations of this one: so it is when somebody \
               publishes with a stolen token instead of the workflow. Unavailable attestations are no loss.",
    },
];

const INVALID: &str = "provenance-invalid";
const UNKNOWN_ROOTS: &str = "provenance-unknown-roots";
const CHANGED: &str = "provenance-changed";
const LOST: &str = "provenance-lost";

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
                false => (SecurityLevel::Caution, INVALID),
                true => (SecurityLevel::Monitored, UNKNOWN_ROOTS),
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
            LOST,
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
            (level, CHANGED, format!("published by {now}, {what} than {before} of version {version}"))
        }
    };
    let reason = Reason { level, code: code.to_owned(), message, distribution: None, location: None, evidence: None };
    (level > SecurityLevel::Clear).then_some(reason)
}
