//! What the public sees of a certificate that it wants to verify.
//!
//! In: the same as for the plain view. Out: the answer of the verify endpoint, with what was sealed beside what holds now.

use serde::Serialize;
use sigma_core::{
    Advisory, AdvisorySeverity, AnalysisType, CouncilVerdict, Ecosystem, SecurityLevel, Sha256, Timestamp, Warning,
};

use crate::standing::{CertificateStatus, OperatorDecision};
use crate::view::{AdvisoryResolution, Endpoints, Since};
use crate::{
    DistributionEntry, FILES_HASH_ALGORITHM, OnChain, PAYLOAD_HASH_ALGORITHM, PackageCertificate, PackagePayload,
};

/// A certificate with everything that a verifier needs to check it against the bytes at hand. What the certificate's own answer has too
/// stands in the same order.
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
    /// `pypi` or `npm`.
    pub registry_source: Ecosystem,
    /// Normalised name.
    pub package_name: &'a str,
    /// Exact version.
    pub package_version: &'a str,
    /// SHA-256 of the distribution that an installer prefers.
    pub distribution_sha256: Sha256,
    /// The verdict that holds now.
    pub council_verdict: CouncilVerdict,
    /// The level that holds now.
    pub security_level: SecurityLevel,
    /// Concerns that stay with the certificate, most serious first.
    pub retained_warnings: &'a [Warning],
    /// FULL, PARTIAL or BINARY_ONLY.
    pub analysis_type: AnalysisType,
    /// When it was sealed.
    pub certified_at: Timestamp,
    /// The certificate's id.
    pub certificate_id: &'a str,
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
    /// What an operator decided since.
    pub operator_decision: Option<OperatorDecision>,
    /// Hash over the files inside the distribution that an installer prefers.
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
    /// What was sealed, and never changes.
    pub payload: &'a PackagePayload,
}

impl PackageCertificate {
    /// The answer of the verify endpoint.
    pub fn verify_view<'a>(&'a self, endpoints: &Endpoints, since: Since<'_>) -> VerifyView<'a> {
        let view = self.view(endpoints, since);
        let (sealed, now) = (self.payload(), view.payload.as_ref());
        VerifyView {
            valid: view.status != CertificateStatus::Revoked,
            status: view.status,
            summary: summary(sealed, now, view.status),
            active_flag_count: since.flags,
            registry_source: sealed.registry_source,
            package_name: &sealed.package_name,
            package_version: &sealed.package_version,
            distribution_sha256: sealed.distribution_sha256,
            council_verdict: now.council_verdict,
            security_level: now.security_level,
            retained_warnings: &sealed.retained_warnings,
            analysis_type: sealed.analysis_type,
            certified_at: sealed.certified_at,
            certificate_id: self.id(),
            verify_endpoint: view.verify_endpoint,
            registry_advisory_count: now.registry_advisory_count,
            registry_advisory_highest_severity: now.registry_advisory_highest_severity,
            registry_advisory_summary: AdvisorySummary::of(now, view.registry_advisory_resolution),
            registry_advisories: now.registry_advisories.clone(),
            operator_decision: view.operator_decision,
            file_set_hash: sealed.file_set_hash,
            file_set_hash_algorithm: FILES_HASH_ALGORITHM,
            round_id: &sealed.round_id,
            distributions: &sealed.distributions,
            report_hash: sealed.report_hash,
            ruleset_version: &sealed.ruleset_version,
            payload_hash: self.payload_hash(),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM,
            on_chain: view.on_chain,
            payload: sealed,
        }
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
