//! Verification, offline: there is no network on this path, and no key but those of the pinned root.
//!
//! In: a bundle of anybody, the pinned root, what the caller has at hand. Out: a report of every check, by name, with what it
//! proved or why not. The first check that fails ends it: what comes after would be about something that is not proven.

mod attestation;
mod report;
mod root_change;
mod status;

use std::sync::Arc;

use serde_json::Value;
use sigma_certificate::{FILES_HASH_ALGORITHM, admit, canonical_bytes};
use sigma_core::{Sha256, Timestamp, printable};

pub use attestation::{Attested, NotAttested, verify_statement};
pub use report::{AnchorAnswer, Check, Name, Outcome, Report, State};
pub use root_change::{UpdateError, update};
pub use status::{Status, StatusError};

use crate::anchor::Anchor;
use crate::bundle::{BUNDLE_TYPE, Bundle, CERTIFICATE_BUNDLE_TYPE, CertificateBundle};
use crate::root::TrustedRoot;
use crate::statement::{CertificatePredicate, Kind};
use report::Checks;

/// The largest bundle that is read, in bytes: a few hundred times the usual.
pub const MAX_BUNDLE: usize = 16 << 20;
/// How far clocks may differ, in milliseconds.
const SKEW: i64 = 5 * 60 * 1000;

/// What to do about a status list that is missing or has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// The certificate is valid, and it is said that its freshness is not known.
    Warn,
    /// It is refused.
    Refuse,
}

/// What a verifier asks for.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The time.
    pub now: Timestamp,
    /// About old status lists.
    pub stale: Stale,
    /// How many witnesses have to have signed; `None` for as many as the root says.
    pub witnesses: Option<usize>,
    /// A status list that the caller has; it counts in the place of the one in the bundle. Who verifies many bundles reads
    /// the newest list once.
    pub status: Option<Arc<Status>>,
}

impl Policy {
    /// Warn of stale lists; as many witnesses as the root says.
    pub fn at(now: Timestamp) -> Self {
        Self { now, stale: Stale::Warn, witnesses: None, status: None }
    }
}

/// What the caller has, and wants to know to be what was certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artifact {
    /// A file, by its SHA-256.
    File(Sha256),
    /// A set of files, by `sha256-sorted-files-v1`.
    FileSet(Sha256),
}

/// Verifies a certificate's bundle: ours, or the sigstore bundle in it alone, which proves no payload and no status.
pub fn verify(bundle: &[u8], root: &TrustedRoot, artifact: Option<Artifact>, policy: &Policy) -> Report {
    let mut checks = Checks::default();
    let _ = run(bundle, root, artifact, policy, &mut checks);
    checks.finish()
}

fn run(
    bundle: &[u8],
    root: &TrustedRoot,
    artifact: Option<Artifact>,
    policy: &Policy,
    checks: &mut Checks,
) -> Result<(), ()> {
    let Parts { attestation, payload, status, anchor } = checks.run(Name::Format, || read(bundle))?;
    let attested = attestation::check(&attestation, root, policy, checks)?;
    let predicate = checks.run(Name::Statement, || {
        let predicate: CertificatePredicate =
            attested.statement.predicate(Kind::Certificate).map_err(|error| error.to_string())?;
        let id = printable(&predicate.sigma_certificate.certificate_id, 80);
        Ok((format!("certificate {id}, about {} subjects", attested.statement.subject.len()), predicate))
    })?;
    checks.attested(&attested, &predicate);
    match payload {
        None => checks.not_proven(Name::Payload, "the bundle holds no payload"),
        Some(payload) => checks.run(Name::Payload, || {
            let canonical = canonical_bytes(&payload).map_err(|error| error.to_string())?;
            predicate.sigma_certificate.check(&canonical).map_err(|error| error.to_string())?;
            Ok((format!("{} over its canonical bytes", predicate.sigma_certificate.payload_hash), ()))
        })?,
    }
    match anchor {
        None => checks.not_proven(Name::Anchor, "the bundle names no chain"),
        Some(anchor) => {
            let entry = &attestation.entry().canonicalized_body.0;
            let hash = &predicate.sigma_certificate.payload_hash;
            match anchor.claim(entry, attested.index, hash) {
                Ok(claim) => checks.claimed(claim),
                Err(why) => return checks.run(Name::Anchor, || Err(printable(&why, 200))),
            }
        }
    }
    match artifact {
        None => checks.not_proven(Name::Artifact, "no file was given to compare with"),
        Some(artifact) => checks.run(Name::Artifact, || {
            let (algorithm, digest) = match artifact {
                Artifact::File(sha256) => ("sha256", sha256.to_string()),
                Artifact::FileSet(hash) => (FILES_HASH_ALGORITHM, hash.to_string()),
            };
            if attested.statement.is_about(algorithm, &digest) {
                Ok((format!("{algorithm} {digest} is a subject"), ()))
            } else {
                Err(format!("{algorithm} {digest} is not among what was certified"))
            }
        })?,
    }
    status::check(status.as_ref(), &predicate.sigma_certificate.certificate_id, root, policy, checks)
}

struct Parts {
    attestation: Bundle,
    payload: Option<Value>,
    status: Option<Bundle>,
    anchor: Option<Anchor>,
}

/// Reads either kind of bundle.
fn read(bytes: &[u8]) -> Result<(String, Parts), String> {
    let value = admit(bytes, MAX_BUNDLE).map_err(|error| error.to_string())?;
    let media_type = value.get("mediaType").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wrong = |error: serde_json::Error| printable(&error.to_string(), 200);
    let parts = match media_type.as_str() {
        CERTIFICATE_BUNDLE_TYPE => {
            let bundle: CertificateBundle = serde_json::from_value(value).map_err(wrong)?;
            let CertificateBundle { attestation, payload, status, anchor, .. } = bundle;
            Parts { attestation, payload: Some(payload), status, anchor }
        }
        BUNDLE_TYPE => {
            let attestation = serde_json::from_value(value).map_err(wrong)?;
            Parts { attestation, payload: None, status: None, anchor: None }
        }
        other => return Err(format!("got the type `{}`, expected `{CERTIFICATE_BUNDLE_TYPE}`", printable(other, 80))),
    };
    Ok((media_type, parts))
}
