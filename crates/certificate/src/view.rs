//! What the public sees of a certificate.
//!
//! In: a sealed certificate, what an operator decided about it since, and advisories that were asked for later. Out: the
//! answers of the public API. The one place where they are mapped; [`PackageView::splice`] writes the same JSON as
//! [`PackageCertificate::view`] without reading the payload.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Serialize;
use sigma_core::{
    Advisory, AdvisorySeverity, AdvisorySnapshot, AnalysisType, CouncilVerdict, Ecosystem, SecurityLevel, Sha256,
    Timestamp, Warning,
};

use crate::standing::{CertificateStatus, Decision, OperatorDecision, status};
use crate::{
    AdvisoryFields, DistributionEntry, FILES_HASH_ALGORITHM, OnChain, PAYLOAD_HASH_ALGORITHM, PackageCertificate,
    PackagePayload,
};

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

/// A package certificate. Without an operator's decision and with a snapshot, everything from `payload` on is what was sealed:
/// remove the eight fields before it, canonicalise, and keccak256 gives `payloadHash`. In every case `payload` in the answer of
/// the verify endpoint is what was sealed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
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

    /// The answer of the verify endpoint.
    pub fn verify_view<'a>(&'a self, endpoints: &Endpoints, since: Since<'_>) -> VerifyView<'a> {
        let view = self.view(endpoints, since);
        let (sealed, now) = (self.payload(), view.payload.as_ref());
        VerifyView {
            valid: view.status != CertificateStatus::Revoked,
            status: view.status,
            summary: summary(sealed, now, view.status),
            active_flag_count: since.flags,
            certificate_id: self.id(),
            registry_source: sealed.registry_source,
            package_name: &sealed.package_name,
            package_version: &sealed.package_version,
            council_verdict: now.council_verdict,
            security_level: now.security_level,
            operator_decision: view.operator_decision,
            retained_warnings: &sealed.retained_warnings,
            analysis_type: sealed.analysis_type,
            certified_at: sealed.certified_at,
            distribution_sha256: sealed.distribution_sha256,
            file_set_hash: sealed.file_set_hash,
            file_set_hash_algorithm: FILES_HASH_ALGORITHM,
            round_id: &sealed.round_id,
            distributions: &sealed.distributions,
            report_hash: sealed.report_hash,
            ruleset_version: &sealed.ruleset_version,
            payload_hash: self.payload_hash(),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM,
            on_chain: view.on_chain,
            verify_endpoint: view.verify_endpoint,
            registry_advisory_count: now.registry_advisory_count,
            registry_advisory_highest_severity: now.registry_advisory_highest_severity,
            registry_advisory_summary: AdvisorySummary::of(now, view.registry_advisory_resolution),
            registry_advisories: now.registry_advisories.clone(),
            payload: sealed,
        }
    }
}

impl PackageView<'_> {
    /// The JSON of [`PackageCertificate::view`] for a certificate about which nothing was decided and which has a snapshot:
    /// the canonical bytes behind the fields that are not part of them. Nothing is parsed, so the caller has to know that the
    /// bytes are those that were sealed. `on_chain` is the JSON of [`OnChain`]. `None` where the bytes are no JSON object.
    pub fn splice(
        id: &str,
        on_chain: &str,
        payload_hash: &str,
        verify_endpoint: &str,
        canonical: &[u8],
    ) -> Option<Vec<u8>> {
        let members = canonical.strip_prefix(b"{")?;
        // None of the other texts needs escaping: ids and hashes are ours, names and versions are checked, and so is the base.
        let head = format!(
            "{{\"certificateId\":\"{id}\",\"onChain\":{on_chain},\"operatorDecision\":null,\"payloadHash\":\"{payload_hash}\",\
             \"payloadHashAlgorithm\":\"{PAYLOAD_HASH_ALGORITHM}\",\"registryAdvisoryResolution\":\"snapshot\",\
             \"status\":\"ACTIVE\",\"verifyEndpoint\":\"{verify_endpoint}\","
        );
        let mut json = Vec::with_capacity(head.len() + members.len());
        json.extend_from_slice(head.as_bytes());
        json.extend_from_slice(members);
        Some(json)
    }
}

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

fn summary(sealed: &PackagePayload, now: &PackagePayload, status: CertificateStatus) -> String {
    let package = match sealed.package() {
        Ok(package) => package.to_string(),
        Err(_) => sealed.package_name.clone(),
    };
    let level = now.security_level;
    match status {
        CertificateStatus::Active => format!("{package} is certified: {} ({level}).", now.council_verdict.as_str()),
        CertificateStatus::Revoked => format!("The certificate of {package} was revoked and vouches for nothing."),
        CertificateStatus::Blocked => format!("{package} was blocked by an operator."),
        // What was escalated is sealed with the operator's word.
        CertificateStatus::Overridden if level == sealed.security_level => {
            format!("{package} stands at {level} by an operator's decision.")
        }
        CertificateStatus::Overridden => {
            format!(
                "{package} was given the level {level} by an operator; the council had said {}.",
                sealed.security_level
            )
        }
    }
}

/// A certificate with everything that a verifier needs to check it against the bytes at hand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VerifyView<'a> {
    /// Whether the certificate counts: its bytes hash to its id, and it was not revoked. What it says is in `securityLevel`.
    pub valid: bool,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// All of it in a sentence.
    pub summary: String,
    /// Flags of the public that no operator has settled yet. They change nothing by themselves.
    pub active_flag_count: u64,
    /// The certificate's id.
    pub certificate_id: &'a str,
    /// `pypi` or `npm`.
    pub registry_source: Ecosystem,
    /// Normalised name.
    pub package_name: &'a str,
    /// Exact version.
    pub package_version: &'a str,
    /// The verdict that holds now.
    pub council_verdict: CouncilVerdict,
    /// The level that holds now.
    pub security_level: SecurityLevel,
    /// What an operator decided since.
    pub operator_decision: Option<OperatorDecision>,
    /// Concerns that stay with the certificate, most serious first.
    pub retained_warnings: &'a [Warning],
    /// FULL, PARTIAL or BINARY_ONLY.
    pub analysis_type: AnalysisType,
    /// When it was sealed.
    pub certified_at: Timestamp,
    /// SHA-256 of the distribution that an installer prefers.
    pub distribution_sha256: Sha256,
    /// Hash over the files inside it.
    pub file_set_hash: Sha256,
    /// How that is computed: `sha256-sorted-files-v1`.
    pub file_set_hash_algorithm: &'a str,
    /// Id of the council round.
    pub round_id: &'a str,
    /// Every distribution that was read, with its digests.
    pub distributions: &'a [DistributionEntry],
    /// SHA-256 of the report's canonical bytes.
    pub report_hash: Sha256,
    /// Version of the static rules.
    pub ruleset_version: &'a str,
    /// keccak256 of the canonical form of `payload`.
    pub payload_hash: &'a str,
    /// How it is computed.
    pub payload_hash_algorithm: &'a str,
    /// Where it is on a chain.
    pub on_chain: OnChain,
    /// This address.
    pub verify_endpoint: String,
    /// How many advisories cover this version; `null` when unavailable, which is not 0.
    pub registry_advisory_count: Option<u64>,
    /// The highest severity among them.
    pub registry_advisory_highest_severity: Option<AdvisorySeverity>,
    /// What is known about advisories, and from where.
    pub registry_advisory_summary: AdvisorySummary,
    /// The advisories.
    pub registry_advisories: Vec<Advisory>,
    /// What was sealed, and never changes.
    pub payload: &'a PackagePayload,
}

/// The structured summary of a package's advisories.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AdvisorySummary {
    /// `listed` or `unavailable`: whether the source answered.
    pub state: String,
    /// `snapshot` or `live`.
    pub resolution: AdvisoryResolution,
    /// Who was asked, and why there is no answer if there is none.
    pub source: String,
    /// When.
    pub queried_at: Timestamp,
    /// How many there are; `null` when unavailable.
    pub count: Option<u64>,
    /// The highest severity.
    pub highest_severity: Option<AdvisorySeverity>,
    /// How many there are of each severity.
    pub by_severity: SeverityCounts,
    /// All of it in a sentence.
    pub text: String,
}

/// Advisories by severity.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SeverityCounts {
    /// CRITICAL.
    pub critical: u64,
    /// HIGH.
    pub high: u64,
    /// MODERATE.
    pub moderate: u64,
    /// LOW.
    pub low: u64,
    /// UNKNOWN: the source states none.
    pub unknown: u64,
}

impl AdvisorySummary {
    fn of(payload: &PackagePayload, resolution: AdvisoryResolution) -> Self {
        let mut by_severity = SeverityCounts::default();
        for advisory in &payload.registry_advisories {
            *match advisory.severity {
                AdvisorySeverity::Critical => &mut by_severity.critical,
                AdvisorySeverity::High => &mut by_severity.high,
                AdvisorySeverity::Moderate => &mut by_severity.moderate,
                AdvisorySeverity::Low => &mut by_severity.low,
                AdvisorySeverity::Unknown => &mut by_severity.unknown,
            } += 1;
        }
        Self {
            state: payload.registry_advisory_state.clone(),
            resolution,
            source: payload.registry_advisory_source.clone(),
            queried_at: payload.registry_advisories_at,
            count: payload.registry_advisory_count,
            highest_severity: payload.registry_advisory_highest_severity,
            by_severity,
            text: payload.registry_advisory_summary.clone(),
        }
    }
}
