//! One sigstore bundle around one in-toto statement, checked against the pinned roots and a digest.
//!
//! In: JSON of a bundle (v0.1 to v0.3). Out: its statement and who signed it. The signature, the certificate's chain and its
//! proof of publication (SCT), the log's promise, proof and checkpoint, and that all of them speak of the same envelope, are
//! checked by `sigstore-verify`.

use serde_json::Value;
use sigma_core::{Timestamp, printable};
use sigstore_verify::crypto::CertificateInfo;
use sigstore_verify::types::bundle::VerificationMaterialContent;
use sigstore_verify::types::{Artifact, ArtifactDigest, Bundle, HashAlgorithm, SignatureContent};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult};

use crate::Roots;
use crate::refusal::Refusal;
use crate::statement::Statement;

/// Log entries of one bundle that are looked at. Real ones have one.
const MAX_ENTRIES: usize = 4;
/// Certificates of one chain, and timestamps, that are looked at.
const MAX_CERTIFICATES: usize = 8;

/// Forms of bundles, and of log entries, that can be checked. What is newer is no lie.
const FORMS: [&str; 4] = [
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
];
const ENTRIES: [(&str, &str); 3] = [("dsse", "0.0.1"), ("intoto", "0.0.2"), ("hashedrekord", "0.0.2")];

/// Who signed a bundle.
pub(crate) enum Signer {
    /// Whom a certificate names.
    Certificate(Box<CertificateInfo>),
    /// One of npm's keys.
    Npm,
}

/// A bundle that holds.
pub(crate) struct Verified {
    pub statement: Statement,
    pub signer: Signer,
    /// The earliest time that is vouched for.
    pub logged_at: Option<Timestamp>,
}

/// Checks a bundle whose statement must be about a digest.
pub(crate) fn verify(
    roots: &Roots,
    bundle: Value,
    algorithm: HashAlgorithm,
    digest: &[u8],
) -> Result<Verified, Refusal> {
    known_form(&bundle)?;
    let digest =
        ArtifactDigest::new(algorithm, digest.to_vec()).map_err(|error| Refusal::invalid(error.to_string()))?;
    let artifact = Artifact::Digest(digest);
    let malformed = |error: &dyn std::fmt::Display| Refusal::invalid(format!("the bundle is malformed: {error}"));
    // By way of text: the library's types read bytes that are borrowed from it.
    let bundle = Bundle::from_json(&bundle.to_string()).map_err(|error| malformed(&error))?;
    let material = &bundle.verification_material;
    if material.tlog_entries.len() > MAX_ENTRIES
        || material.timestamp_verification_data.rfc3161_timestamps.len() > MAX_CERTIFICATES
    {
        return Err(Refusal::invalid("the bundle has more log entries or timestamps than any real one"));
    }
    for entry in &material.tlog_entries {
        if !roots.knows(&entry.log_id.key_id) {
            return Err(Refusal::UnknownRoot(format!(
                "it is in the log {}",
                printable(&entry.log_id.key_id.to_string(), 60)
            )));
        }
    }
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err(Refusal::invalid("got a signature of a file, expected one of a statement"));
    };
    let statement = Statement::read(envelope.payload.as_bytes())?;
    let (result, signer) = match &material.content {
        VerificationMaterialContent::PublicKey(key) => (by_npm(roots, &key.hint, &bundle, artifact)?, Signer::Npm),
        VerificationMaterialContent::X509CertificateChain { certificates } if certificates.len() > MAX_CERTIFICATES => {
            return Err(Refusal::invalid("the chain is longer than any real one"));
        }
        _ => {
            let result = roots.verifier.verify(artifact, &bundle, &VerificationPolicy::any_identity())?;
            let certificate = result.certificate().cloned().filter(|_| {
                // The policy asks for all of it; this is against a policy that would be changed one day.
                result.certificate_verified() && result.sct_verified() && result.tlog_verified()
            });
            let certificate = certificate.ok_or_else(|| Refusal::invalid("the certificate was not verified"))?;
            (result, Signer::Certificate(Box::new(certificate)))
        }
    };
    Ok(Verified { statement, signer, logged_at: earliest(&result) })
}

/// Checks one that the npm registry signed: with a key that was its own when the log took the signature in.
fn by_npm(
    roots: &Roots,
    hint: &str,
    bundle: &Bundle,
    artifact: Artifact<'static>,
) -> Result<VerificationResult, Refusal> {
    let key = roots.npm_keys.iter().find(|key| key.id == hint);
    let key = key.ok_or_else(|| Refusal::UnknownRoot(format!("it is signed with key {}", printable(hint, 80))))?;
    let result = roots.verifier.verify(artifact, bundle, &PublicKeyVerificationPolicy::new(key.key.clone()))?;
    let times = result.verified_timestamps();
    if times.is_empty() {
        return Err(Refusal::invalid("nobody vouches for the time of the registry's signature"));
    }
    let outside = |time: &&jiff::Timestamp| **time < key.from || key.until.is_some_and(|until| **time > until);
    if let Some(time) = times.iter().find(outside) {
        return Err(Refusal::invalid(format!("the registry's key {} was not in use at {time}", key.id)));
    }
    Ok(result)
}

fn earliest(result: &VerificationResult) -> Option<Timestamp> {
    let first = result.verified_timestamps().iter().min()?;
    Some(Timestamp::from_millis(first.as_millisecond()))
}

/// Whether the bundle is of a form that can be checked.
fn known_form(bundle: &Value) -> Result<(), Refusal> {
    let form = bundle["mediaType"].as_str().unwrap_or_default();
    if !FORMS.contains(&form) {
        return Err(Refusal::Unsupported(format!("got a bundle of type `{}`", printable(form, 80))));
    }
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array();
    for entry in entries.into_iter().flatten() {
        let text = |name: &str| entry["kindVersion"][name].as_str().unwrap_or_default();
        let (kind, version) = (text("kind"), text("version"));
        if !ENTRIES.contains(&(kind, version)) {
            let (kind, version) = (printable(kind, 40), printable(version, 20));
            return Err(Refusal::Unsupported(format!("got a log entry of kind `{kind}` {version}")));
        }
    }
    Ok(())
}
