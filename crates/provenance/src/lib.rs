//! Upstream provenance: whether what an ecosystem attests about a distribution holds, and who published it.
//!
//! In: the document that an ecosystem serves (npm's attestations, PyPI's provenance object of PEP 740), the digests of bytes
//! that were verified, and pinned roots. Out: [`sigma_core::DistributionProvenance`]. Every byte of the document is hostile.
//! No network, no files, no processes. The time is looked at for one thing only: a log entry of the future is refused (by
//! `sigstore-verify`); whatever holds today holds tomorrow.
#![warn(missing_docs)]

mod bundle;
mod filename;
mod identity;
mod npm;
mod pypi;
mod refusal;
mod roots;
mod statement;

use sigma_core::{
    Digests, DistributionProvenance, Ecosystem, PackageId, ProvenanceStatus, PublisherIdentity, Timestamp,
};

use refusal::Refusal;

pub use roots::{RootError, Roots};

/// Largest document that is looked at, in bytes. Real ones have 10 to 15 kB; ten builds of one release would fit.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// Attestations that are looked at in one document. Real ones have one or two.
const MAX_ATTESTATIONS: usize = 16;

/// The distribution that a document is about.
#[derive(Debug, Clone, Copy)]
pub struct Attested<'a> {
    /// The release.
    pub package: &'a PackageId,
    /// The distribution's file name.
    pub filename: &'a str,
    /// What its verified bytes hash to.
    pub digests: &'a Digests,
}

/// What a document that holds says.
struct Holds {
    publisher: PublisherIdentity,
    predicates: Vec<String>,
    logged_at: Option<Timestamp>,
}

impl Roots {
    /// Checks the document that the ecosystem serves for a distribution. Never fails: what does not hold is an answer too.
    pub fn verify(&self, attested: Attested<'_>, document: &[u8]) -> DistributionProvenance {
        let checked = if document.len() > MAX_DOCUMENT {
            Err(Refusal::Unsupported(format!("got {} bytes, expected at most {MAX_DOCUMENT}", document.len())))
        } else {
            match attested.package.ecosystem() {
                Ecosystem::Npm => npm::verify(self, attested, document),
                Ecosystem::Pypi => pypi::verify(self, attested, document),
            }
        };
        let without = |status, reason: &str| DistributionProvenance::without(attested.filename, status, reason);
        match checked {
            Ok(Holds { publisher, mut predicates, logged_at }) => {
                predicates.sort();
                predicates.dedup();
                DistributionProvenance {
                    filename: attested.filename.to_owned(),
                    status: ProvenanceStatus::Verified,
                    reason: None,
                    unknown_roots: false,
                    publisher: Some(publisher),
                    predicates,
                    logged_at,
                }
            }
            Err(refusal @ Refusal::Unsupported(_)) => without(ProvenanceStatus::Unavailable, &refusal.to_string()),
            Err(refusal) => DistributionProvenance {
                unknown_roots: matches!(refusal, Refusal::UnknownRoot(_)),
                ..without(ProvenanceStatus::Invalid, &refusal.to_string())
            },
        }
    }
}
