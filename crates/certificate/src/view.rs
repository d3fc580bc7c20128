//! What the public sees of a certificate.
//!
//! In: a sealed certificate, what an operator decided about it since, and advisories that were asked for later. Out: the
//! answer about the package. The one place where it is mapped; [`PackageView::splice`] writes the same JSON as
//! [`PackageCertificate::view`] without reading the payload, and `order` says in which order its members stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sigma_core::{AdvisorySnapshot, Ecosystem};

use crate::order::in_order;
use crate::standing::{CertificateStatus, Decision, OperatorDecision, status};
use crate::{AdvisoryFields, OnChain, PAYLOAD_HASH_ALGORITHM, PackageCertificate, PackagePayload};

/// Where the API is, such as `https://sigma.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    base: String,
}

impl Endpoints {
    /// Under an API base.
    pub fn new(api_base: &str) -> Self {
        Self { base: api_base.trim_end_matches('/').to_owned() }
    }

    /// The path of a package's certificate. A scoped npm name is one segment: its slash is percent-encoded.
    pub fn path(ecosystem: Ecosystem, name: &str, version: &str) -> String {
        format!("/api/v1/public/packages/{ecosystem}/{}/{version}", name.replace('/', "%2F"))
    }

    /// Where a package's certificate is verified.
    pub fn verify(&self, ecosystem: Ecosystem, name: &str, version: &str) -> String {
        format!("{}{}/verify", self.base, Self::path(ecosystem, name, version))
    }

    /// Where a submission's certificate is verified.
    pub fn verify_submission(&self, id: &str) -> String {
        format!("{}/api/v1/public/certificates/{id}/verify", self.base)
    }
}

/// What has become known since a certificate was sealed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Since<'a> {
    /// What an operator decided last.
    pub decision: Option<&'a Decision>,
    /// Advisories that were asked for later. They count only where the certificate has no snapshot of its own.
    pub advisories: Option<&'a AdvisorySnapshot>,
    /// Flags of the public that no operator has settled. Only the answer of the verify endpoint tells of them.
    pub flags: u64,
    /// Where it is on a chain; none where nothing is put on one.
    pub on_chain: Option<&'a OnChain>,
}

/// Whether advisories are those of certification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AdvisoryResolution {
    /// They are in the certificate.
    Snapshot,
    /// The certificate has none: they were asked for later.
    Live,
}

/// A package certificate. Without an operator's decision and with a snapshot it is what was sealed, and eight fields beside it: remove
/// those that `PackagePayload` does not have, canonicalise, and keccak256 gives `payloadHash`. In every case `payload` in the answer of
/// the verify endpoint is what was sealed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageView<'a> {
    /// The certificate's id.
    #[cfg_attr(feature = "schema", schema(example = "pkg_abc123"))]
    pub certificate_id: &'a str,
    /// Where it is on a chain.
    pub on_chain: OnChain,
    /// What an operator decided since; then `councilVerdict` and `securityLevel` are the operator's.
    pub operator_decision: Option<OperatorDecision>,
    /// keccak256 of the canonical payload.
    pub payload_hash: &'a str,
    /// How it is computed.
    pub payload_hash_algorithm: &'a str,
    /// Whether the advisories are those of certification time.
    pub registry_advisory_resolution: AdvisoryResolution,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// Where to verify it.
    pub verify_endpoint: String,
    /// What holds now.
    #[serde(flatten)]
    pub payload: Cow<'a, PackagePayload>,
}

impl PackageCertificate {
    /// The public view under an API base such as `https://sigma.example`.
    pub fn view<'a>(&'a self, endpoints: &Endpoints, since: Since<'_>) -> PackageView<'a> {
        let sealed = self.payload();
        let (payload, resolution) = current(sealed, since);
        PackageView {
            certificate_id: self.id(),
            on_chain: since.on_chain.cloned().unwrap_or_else(OnChain::off),
            operator_decision: since.decision.map(|decision| decision_of(decision, sealed)),
            payload_hash: self.payload_hash(),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM,
            registry_advisory_resolution: resolution,
            status: status(since.decision),
            verify_endpoint: endpoints.verify(sealed.registry_source, &sealed.package_name, &sealed.package_version),
            payload,
        }
    }
}

impl Serialize for PackageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is derived has the members in the order in which they are declared.
        let value = Self::serialize(self, serde_json::value::Serializer).map_err(S::Error::custom)?;
        let members: BTreeMap<&str, &Value> =
            value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
        in_order(&members, serializer)
    }
}

impl PackageView<'_> {
    /// The JSON of [`PackageCertificate::view`] for a certificate about which nothing was decided and which has a snapshot:
    /// the members of the canonical bytes, each as it is, and those that are not part of them. No value is parsed, so the caller has
    /// to know that the bytes are those that were sealed. `None` where they are no JSON object.
    pub fn splice(
        id: &str,
        on_chain: &OnChain,
        payload_hash: &str,
        verify_endpoint: &str,
        canonical: &[u8],
    ) -> Option<Vec<u8>> {
        let mut members: BTreeMap<&str, &RawValue> = serde_json::from_slice(canonical).ok()?;
        let beside = [
            ("certificateId", to_raw_value(id).ok()?),
            ("onChain", to_raw_value(on_chain).ok()?),
            ("operatorDecision", to_raw_value(&None::<OperatorDecision>).ok()?),
            ("payloadHash", to_raw_value(payload_hash).ok()?),
            ("payloadHashAlgorithm", to_raw_value(PAYLOAD_HASH_ALGORITHM).ok()?),
            ("registryAdvisoryResolution", to_raw_value(&AdvisoryResolution::Snapshot).ok()?),
            ("status", to_raw_value(&CertificateStatus::Active).ok()?),
            ("verifyEndpoint", to_raw_value(verify_endpoint).ok()?),
        ];
        members.extend(beside.iter().map(|(name, value)| (*name, value.as_ref())));
        let mut json = Vec::with_capacity(canonical.len() + BESIDE);
        in_order(&members, &mut serde_json::Serializer::new(&mut json)).ok()?;
        Some(json)
    }
}

/// Bytes of an answer beside those that were sealed, as a rule.
const BESIDE: usize = 640;

/// Whether canonical bytes have no advisories of certification time. In canonical JSON a quotation mark inside a text is
/// escaped, so these bytes are the field and nothing else.
pub fn lacks_advisories(canonical: &[u8]) -> bool {
    static FIELD: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(b"\"registryAdvisoryState\":\"unavailable\""));
    FIELD.find(canonical).is_some()
}

/// The payload as it holds now: an operator's word before the council's, and later advisories where there were none.
fn current<'a>(sealed: &'a PackagePayload, since: Since<'_>) -> (Cow<'a, PackagePayload>, AdvisoryResolution) {
    let mut now = Cow::Borrowed(sealed);
    if let Some(decision) = since.decision {
        let payload = now.to_mut();
        payload.council_verdict = decision.action.verdict();
        payload.security_level = decision.action.level();
    }
    let later = since.advisories.filter(|_| sealed.registry_advisory_state == "unavailable");
    let Some(later) = later else { return (now, AdvisoryResolution::Snapshot) };
    let fields = PackagePayload::advisory_fields(later, "when they were asked for last");
    let AdvisoryFields { state, source, at, count, highest, summary, advisories } = fields;
    let payload = now.to_mut();
    payload.registry_advisory_state = state;
    payload.registry_advisory_source = source;
    payload.registry_advisories_at = at;
    payload.registry_advisory_count = count;
    payload.registry_advisory_highest_severity = highest;
    payload.registry_advisory_summary = summary;
    payload.registry_advisories = advisories;
    (now, AdvisoryResolution::Live)
}

fn decision_of(decision: &Decision, sealed: &PackagePayload) -> OperatorDecision {
    OperatorDecision {
        status: decision.action.status(),
        reason: decision.reason.clone(),
        decided_at: decision.at,
        sealed_council_verdict: sealed.council_verdict,
        sealed_security_level: sealed.security_level,
    }
}
