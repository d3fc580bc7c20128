//! The `packageAnalysis` block of schema 4: what a submission's dependencies are, and what is known about each.

use serde::{Deserialize, Serialize};
use sigma_core::{Depth, Ecosystem, ProvenanceStatus, SecurityLevel, Sha256, Warning};

/// How a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CertificationStatus {
    /// A certificate existed for exactly these bytes.
    CertifiedFromCache,
    /// Audited now.
    AuditedThisSubmission,
    /// No certificate: unresolved, unreachable, beyond the cap or the depth, escalated.
    Uncertified,
    /// Not eligible.
    Refused,
}

/// The block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageAnalysis {
    /// Summary counts.
    pub summary: PackageSummary,
    /// One entry for each dependency row.
    pub packages: Vec<PackageEntry>,
    /// What is known about transitive dependencies.
    pub transitive: TransitiveDisclosure,
    /// What the analysis covers and what it does not.
    pub disclosure: String,
}

/// Summary counts. The names below `packages*` and `transitive*` are those of the package preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageSummary {
    /// Direct dependencies declared, the refused ones too.
    pub direct_dependencies: u64,
    /// Direct and transitive rows served from the store.
    pub packages_certified_from_cache: u64,
    /// Rows audited now.
    pub packages_audited: u64,
    /// Rows without certificate.
    pub packages_uncertified: u64,
    /// Declarations that are not eligible.
    pub packages_rejected: u64,
    /// Transitive packages looked at, all levels.
    pub transitive_dependencies_checked: u64,
    /// Transitive packages without certificate.
    pub transitive_dependencies_uncertified: u64,
    /// What the store saved, in whole USD (a payload holds no floats).
    pub savings_usd: u64,
    /// What the packages audited now cost, in USD.
    pub uncached_cost_usd: u64,
}

/// Who pulled a package in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParentEntry {
    /// `project`, or the parent as `pypi:name@version`.
    pub package: String,
    /// The spec that the parent declares.
    pub declared_spec: String,
    /// `file:line`, for the project's own declarations.
    pub declared_at: Option<String>,
}

/// One dependency row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageEntry {
    /// Name; for a refused declaration the declaration as written.
    pub package_name: String,
    /// Exact audited version; `null` when none was resolved.
    pub package_version: Option<String>,
    /// The spec as declared by the project, when it differs from the exact version.
    pub declared_spec: Option<String>,
    /// `pypi` or `npm`.
    pub registry_source: Ecosystem,
    /// Depth.
    pub dependency_type: Depth,
    /// Every parent.
    pub parents: Vec<ParentEntry>,
    /// File name of the distribution that an installer prefers.
    pub distribution: Option<String>,
    /// Its SHA-256.
    pub distribution_sha256: Option<Sha256>,
    /// How it stands.
    pub status: CertificationStatus,
    /// Why, when it is uncertified or refused.
    pub reason: Option<String>,
    /// Its certificate.
    pub certificate_id: Option<String>,
    /// The certificate's level.
    pub security_level: Option<SecurityLevel>,
    /// FULL, PARTIAL or BINARY_ONLY.
    pub analysis_type: Option<sigma_core::AnalysisType>,
    /// What is new since the last certified version, in a sentence, when that alone asks for more than CLEAR.
    pub new_since: Option<String>,
    /// `listed` or `unavailable`; `null` when uncertified.
    pub registry_advisory_state: Option<String>,
    /// How many advisories; `null` when unavailable or uncertified.
    pub registry_advisory_count: Option<u64>,
    /// The same in a sentence.
    pub registry_advisory_summary: Option<String>,
    /// What the ecosystem attests about its origin; `null` when uncertified, and in what was sealed before this was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_provenance: Option<ProvenanceStatus>,
    /// Who published it, in a few words, where that is attested and verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_publisher: Option<String>,
    /// `standard`, `complex` or `high-complex`.
    pub estimated_complexity_tier: Option<String>,
    /// What it costs here: 0 when it came from the store.
    pub estimated_price_usd: u64,
    /// What it would cost had it not come from the store; 0 when it is not certified.
    pub price_without_cache_usd: u64,
    /// Warnings retained from the council.
    pub warnings: Vec<Warning>,
}

/// A blocked package that does not stop the submission because it lies deeper than L1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BlockedTransitive {
    /// The package.
    pub package: String,
    /// Its depth.
    pub dependency_type: Depth,
}

/// What is known about transitive dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransitiveDisclosure {
    /// Checked at L1.
    pub checked_l1: u64,
    /// Checked at L2.
    pub checked_l2: u64,
    /// Checked at L3.
    pub checked_l3: u64,
    /// Deeper than the depth that was asked for: not checked.
    pub beyond_depth: u64,
    /// Beyond the transitive audit cap: not checked.
    pub beyond_cap: u64,
    /// Not certified, all of them.
    pub uncertified: u64,
    /// Blocked, and advisory only because they lie deeper than L1.
    pub blocked_advisory_only: Vec<BlockedTransitive>,
}
