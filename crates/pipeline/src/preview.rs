//! How a project's dependencies stand before it is submitted: direct ones one by one, transitive ones counted.

use serde::Serialize;
use sigma_certificate::{CertificationStatus, PackageAnalysis, PackageEntry, ParentEntry};
use sigma_core::{Depth, Ecosystem, SecurityLevel, Severity, Warning};

use crate::outcome::STOPPED;
use crate::{Audit, PriceTable};

/// The package preview of the developer API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PackagePreview {
    /// Whether packages are looked at: the category of the draft has them.
    pub enabled: bool,
    /// Direct dependencies.
    #[cfg_attr(feature = "schema", schema(example = 8))]
    pub packages_total: u64,
    /// Of these, certified already, and not BLOCKED.
    #[cfg_attr(feature = "schema", schema(example = 6))]
    pub packages_certified_from_cache: u64,
    /// Of these, audited when the project is submitted, or by this audit.
    #[cfg_attr(feature = "schema", schema(example = 1))]
    pub packages_to_audit: u64,
    /// Of these, BLOCKED, or not eligible: no registry could vouch for them.
    #[cfg_attr(feature = "schema", schema(example = 0))]
    pub packages_rejected: u64,
    /// Of these, without certificate, and not to be audited: they could not be resolved, or not be judged, or the submission stops first.
    #[cfg_attr(feature = "schema", schema(example = 1))]
    pub packages_uncertified: u64,
    /// Transitive dependencies that were found and looked up.
    #[cfg_attr(feature = "schema", schema(example = 14))]
    pub transitive_dependencies_checked: u64,
    /// Of these, without certificate.
    #[cfg_attr(feature = "schema", schema(example = 3))]
    pub transitive_dependencies_uncertified: u64,
    /// What the registry saves, in whole USD.
    #[cfg_attr(feature = "schema", schema(example = 14))]
    pub savings_usd: u64,
    /// What is audited costs, in whole USD. Nothing where the submission stops first: then warnings with the code `stops-submission`
    /// say why, and nothing is owed.
    #[cfg_attr(feature = "schema", schema(example = 4))]
    pub uncached_cost_usd: u64,
    /// The direct dependencies.
    pub items: Vec<PreviewItem>,
}

/// A direct dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PreviewItem {
    /// Its name.
    #[cfg_attr(feature = "schema", schema(example = "requests"))]
    pub package_name: String,
    /// The exact version; `null` when there is none.
    #[cfg_attr(feature = "schema", schema(example = "2.31.0"))]
    pub package_version: Option<String>,
    /// Its ecosystem.
    pub registry_source: Ecosystem,
    /// Always DIRECT.
    pub dependency_type: Depth,
    /// Whether the certificate was there already.
    pub cached: bool,
    /// Whether it is certified.
    pub status: PreviewStatus,
    /// standard, complex or high-complex; `null` when nothing is known about it.
    #[cfg_attr(feature = "schema", schema(example = "standard"))]
    pub estimated_complexity_tier: Option<String>,
    /// What it costs, in whole USD.
    #[cfg_attr(feature = "schema", schema(example = 0))]
    pub estimated_price_usd: u64,
    /// What its certificate warns of; of one that can have none, why.
    pub warnings: Vec<Warning>,
}

/// How a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PreviewStatus {
    /// A certificate answers, and does not say BLOCKED.
    Certified,
    /// None does.
    Uncertified,
    /// It says BLOCKED, or there can be none.
    Rejected,
}

impl PackagePreview {
    /// Before a draft is submitted: what stops it is said at the direct dependencies that are it, or bring it.
    pub fn of_draft(audit: &Audit, prices: &PriceTable) -> Self {
        let analysis = audit.package_analysis(prices);
        let mut preview = Self::of(&analysis);
        let direct = analysis.packages.iter().filter(|entry| entry.dependency_type == Depth::Direct);
        for (entry, item) in direct.zip(&mut preview.items) {
            let own = stops(entry).then(|| format!("{} is what stops the submission", named(entry)));
            let brought = analysis.packages.iter().filter(|one| {
                let by_this = |parent: &ParentEntry| parent.package == named(entry);
                stops(one) && one.dependency_type != Depth::Direct && one.parents.iter().any(by_this)
            });
            let brought =
                brought.map(|one| format!("{} stops the submission, and is needed by this package", named(one)));
            item.warnings.extend(own.into_iter().chain(brought).map(stopping));
        }
        preview
    }

    /// From the rows of an audit, or of a look-up that audited nothing.
    pub fn of(analysis: &PackageAnalysis) -> Self {
        let summary = &analysis.summary;
        let direct = || analysis.packages.iter().filter(|entry| entry.dependency_type == Depth::Direct);
        // What is still to be audited has an estimate; what cannot be has none.
        let estimated = direct()
            .filter(|entry| {
                entry.status == CertificationStatus::Uncertified && entry.estimated_complexity_tier.is_some()
            })
            .count() as u64;
        let blocked = |status| direct().filter(|entry| entry.status == status && is_blocked(entry)).count() as u64;
        let (known, found) =
            (blocked(CertificationStatus::CertifiedFromCache), blocked(CertificationStatus::AuditedThisSubmission));
        Self {
            enabled: true,
            packages_total: summary.direct_dependencies,
            packages_certified_from_cache: summary.packages_certified_from_cache - known,
            packages_to_audit: summary.packages_audited - found + estimated,
            packages_rejected: summary.packages_rejected + known + found,
            packages_uncertified: summary.packages_uncertified - estimated,
            transitive_dependencies_checked: summary.transitive_dependencies_checked
                + summary.transitive_dependencies_uncertified,
            transitive_dependencies_uncertified: summary.transitive_dependencies_uncertified,
            savings_usd: summary.savings_usd,
            uncached_cost_usd: summary.uncached_cost_usd,
            items: direct().map(item).collect(),
        }
    }
}

fn item(entry: &PackageEntry) -> PreviewItem {
    PreviewItem {
        package_name: entry.package_name.clone(),
        package_version: entry.package_version.clone(),
        registry_source: entry.registry_source,
        dependency_type: entry.dependency_type,
        cached: entry.status == CertificationStatus::CertifiedFromCache,
        status: match entry.status {
            _ if is_blocked(entry) => PreviewStatus::Rejected,
            CertificationStatus::CertifiedFromCache | CertificationStatus::AuditedThisSubmission => {
                PreviewStatus::Certified
            }
            CertificationStatus::Uncertified => PreviewStatus::Uncertified,
            CertificationStatus::Refused => PreviewStatus::Rejected,
        },
        estimated_complexity_tier: entry.estimated_complexity_tier.clone(),
        estimated_price_usd: entry.estimated_price_usd,
        warnings: entry.warnings.iter().cloned().chain(stands_in_the_way(entry)).collect(),
    }
}

/// Whether this alone stops a submission, as [`Coordination`](crate::Coordination) has it.
fn stops(entry: &PackageEntry) -> bool {
    let near = entry.dependency_type <= Depth::TransitiveL1;
    entry.status == CertificationStatus::Refused || near && is_blocked(entry)
}

/// Whether it is BLOCKED now.
fn is_blocked(entry: &PackageEntry) -> bool {
    entry.security_level == Some(SecurityLevel::Blocked)
}

/// As [`ParentEntry`] names it.
fn named(entry: &PackageEntry) -> String {
    let (ecosystem, name) = (entry.registry_source, &entry.package_name);
    match &entry.package_version {
        Some(version) => format!("{ecosystem}:{name}@{version}"),
        None => name.clone(),
    }
}

fn stopping(why: String) -> Warning {
    let message = format!("{why}: nothing is audited, and nothing is owed");
    let code = "stops-submission".to_owned();
    Warning { severity: Severity::Critical, code, message, distribution: None, location: None, evidence: None }
}

/// Why a dependency can have no certificate: it is not eligible, or not resolved. What is still to be audited has an estimate, and
/// nothing stands in its way.
fn stands_in_the_way(entry: &PackageEntry) -> Option<Warning> {
    let (code, severity) = match entry.status {
        CertificationStatus::Refused => ("not-eligible", Severity::High),
        // Nothing is held against it.
        CertificationStatus::Uncertified if entry.reason.as_deref() == Some(STOPPED) => ("not-audited", Severity::Info),
        CertificationStatus::Uncertified if entry.estimated_complexity_tier.is_none() => {
            ("not-certifiable", Severity::High)
        }
        _ => return None,
    };
    Some(Warning {
        severity,
        code: code.to_owned(),
        message: entry.reason.clone()?,
        distribution: None,
        location: entry.parents.iter().find_map(|parent| parent.declared_at.clone()),
        evidence: None,
    })
}
