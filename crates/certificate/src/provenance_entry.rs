//! What a certificate says about where its package comes from, by its ecosystem's word.

use serde::{Deserialize, Serialize};
use sigma_core::{
    DistributionProvenance, KnownPublisher, ProvenanceStatus, PublisherChange, PublisherIdentity, Sha256,
    UpstreamProvenance,
};

/// npm provenance or PyPI attestations (PEP 740) of the release, checked offline. `verified`, `absent`, `invalid` and
/// `unavailable` are four different things: only the first vouches for anything, and the last says nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProvenanceEntry {
    /// That of the distribution that is worst off: invalid, absent, unavailable, verified.
    pub status: ProvenanceStatus,
    /// All of it in a sentence.
    pub summary: String,
    /// Who published the distribution that an installer prefers; `null` unless its attestations verify.
    pub publisher: Option<PublisherIdentity>,
    /// Every distribution that was read, in the order of the certificate.
    pub distributions: Vec<DistributionProvenance>,
    /// How far the publisher is another one than that of `previous`; `null` also when that cannot be said.
    pub change: Option<PublisherChange>,
    /// The last version below whose attestations verified, and its publisher.
    pub previous: Option<KnownPublisher>,
    /// SHA-256 of the roots that were trusted.
    pub trusted_roots_sha256: Option<Sha256>,
}

impl From<&UpstreamProvenance> for ProvenanceEntry {
    fn from(provenance: &UpstreamProvenance) -> Self {
        Self {
            status: provenance.status(),
            summary: summary(provenance),
            publisher: provenance.publisher().cloned(),
            distributions: provenance.distributions.clone(),
            change: provenance.change(),
            previous: provenance.previous.clone(),
            trusted_roots_sha256: provenance.roots,
        }
    }
}

impl ProvenanceEntry {
    /// Who is known for a later version to be compared with; `version` is this one's.
    pub fn known(&self, version: &str) -> Option<KnownPublisher> {
        let Self { distributions, previous, trusted_roots_sha256: roots, .. } = self;
        let (distributions, previous, roots) = (distributions.clone(), previous.clone(), *roots);
        UpstreamProvenance { distributions, roots, previous }.known(version)
    }
}

fn summary(provenance: &UpstreamProvenance) -> String {
    let since = match (provenance.change(), &provenance.previous) {
        (Some(PublisherChange::Lost), Some(previous)) => {
            format!("; version {} was attested by {}", previous.version, previous.publisher.words())
        }
        (Some(_), Some(previous)) => {
            format!("; version {} was published by {}", previous.version, previous.publisher.words())
        }
        _ => String::new(),
    };
    let reason = provenance.worst().and_then(|worst| worst.reason.as_deref()).unwrap_or("nobody was asked");
    match (provenance.status(), provenance.publisher()) {
        (ProvenanceStatus::Verified, Some(publisher)) => {
            format!("the attestations verify: published by {}{since}", publisher.words())
        }
        (ProvenanceStatus::Verified, None) => format!("the attestations verify{since}"),
        (ProvenanceStatus::Absent, _) => format!("the ecosystem has no attestations of it{since}"),
        (ProvenanceStatus::Invalid, _) => format!("the attestations do not verify: {reason}"),
        (ProvenanceStatus::Unavailable, _) => format!("whether there are attestations is not known: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PackageCertificate, canonical_bytes};

    /// A bundle whose certificate was sealed before origins were looked at.
    const BEFORE: &str = include_str!("../../../docs/verify/vectors/bundle/certificate_bundle.json");

    fn before() -> PackageCertificate {
        let bundle: serde_json::Value = serde_json::from_str(BEFORE).unwrap();
        PackageCertificate::open(canonical_bytes(&bundle["payload"]).unwrap()).unwrap()
    }

    #[test]
    fn certificates_from_before_keep_their_id_and_their_hash() {
        let certificate = before();
        assert_eq!(certificate.payload().upstream_provenance, None);
        assert_eq!(certificate.id(), "pkg_hjegjhbunhac4wttemxvxnect6yngzs4");
        let hash = "0x6f997ac01c5b9050710e86e809e361f114fe7d3466f637ebee61872fca3ba529";
        assert_eq!(certificate.payload_hash(), hash);
        let again = PackageCertificate::seal(certificate.payload().clone()).unwrap();
        assert_eq!(again, certificate);
    }

    #[test]
    fn a_certificate_says_what_is_known_and_keeps_the_four_apart() {
        let mut payload = before().payload().clone();
        let mut check = |status, expect: &str| {
            let distributions = match status {
                None => vec![],
                Some(status) => vec![DistributionProvenance::without("demo.whl", status, "because")],
            };
            let provenance = UpstreamProvenance { distributions, roots: Some(Sha256::of(b"roots")), previous: None };
            let entry = ProvenanceEntry::from(&provenance);
            assert_eq!(entry.summary, expect);
            payload.upstream_provenance = Some(entry.clone());
            let sealed = PackageCertificate::seal(payload.clone()).unwrap();
            let again = PackageCertificate::open(sealed.canonical().to_vec()).unwrap();
            assert_eq!(again.payload().upstream_provenance.as_ref(), Some(&entry));
            assert_eq!(entry.known("1.0"), None);
        };
        check(Some(ProvenanceStatus::Absent), "the ecosystem has no attestations of it");
        check(Some(ProvenanceStatus::Invalid), "the attestations do not verify: because");
        check(Some(ProvenanceStatus::Unavailable), "whether there are attestations is not known: because");
        check(None, "whether there are attestations is not known: nobody was asked");
    }
}
