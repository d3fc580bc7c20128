//! What an audit of a project yields: a row for every dependency, and the `packageAnalysis` block made of them.

use sigma_certificate::{
    BlockedTransitive, CertificationStatus, Decision as Standing, PackageAnalysis, PackageCertificate, PackageEntry,
    PackageSummary, ParentEntry, TransitiveDisclosure, effective_level,
};
use sigma_core::{
    Depth, Ecosystem, Problem, Refused, ResolvedPackage, SecurityLevel, Target, Timestamp, Unresolved, Warning,
};
use sigma_store::Incident;

use crate::PriceTable;
use crate::pricing::{estimate as estimated_tier, tier_of};

/// Why a package has no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncertified {
    /// It lies deeper than the depth that was asked for.
    BeyondDepth,
    /// The cap on transitive audits was reached before it.
    BeyondCap {
        /// The cap.
        cap: usize,
    },
    /// The panels do not agree; an operator decides.
    Escalated {
        /// How the votes fell.
        rationale: String,
        /// What the ballots hold against it.
        warnings: Vec<Warning>,
    },
    /// The bytes are not the published or pinned ones: blocks.
    Mismatch(Incident),
    /// The ecosystem did not give the bytes.
    Unavailable(String),
    /// The audit was not asked for (a preview).
    NotAudited,
    /// The audit was not made, because the submission stops whatever it comes to.
    Stopped,
}

/// The reason of packages below the audited levels: they are counted, not explained one by one.
pub const BEYOND_DEPTH: &str = "deeper than the audited levels";

/// The reason of packages whose audits are left out, because nothing that they come to changes that the submission stops.
pub(crate) const STOPPED: &str = "not audited, because the submission stops";

impl Uncertified {
    /// The reason in a sentence without a full stop.
    pub fn describe(&self) -> String {
        match self {
            Self::BeyondDepth => BEYOND_DEPTH.to_owned(),
            Self::BeyondCap { cap } => format!("beyond the transitive audit cap of {cap}"),
            Self::Escalated { rationale, .. } => format!("escalated to an operator: {rationale}"),
            Self::Mismatch(incident) => format!(
                "integrity mismatch in {}: got {}, expected {} ({})",
                incident.filename, incident.got, incident.expected, incident.authority
            ),
            Self::Unavailable(why) => format!("not fetched: {why}"),
            Self::NotAudited => "not audited yet".to_owned(),
            Self::Stopped => STOPPED.to_owned(),
        }
    }
}

/// How one package stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Certified before.
    Cached(Box<PackageCertificate>),
    /// Certified now.
    Audited(Box<PackageCertificate>),
    /// Without certificate.
    Uncertified(Uncertified),
}

/// One package of the graph, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The package.
    pub package: ResolvedPackage,
    /// How it stands.
    pub state: RowState,
    /// Mismatches seen in earlier fetches of the same package: they stay visible after a success.
    pub incidents: Vec<Incident>,
    /// What an operator decided about its certificate since it was sealed.
    pub standing: Option<Standing>,
}

impl Row {
    /// Its certificate.
    pub fn certificate(&self) -> Option<&PackageCertificate> {
        match &self.state {
            RowState::Cached(certificate) | RowState::Audited(certificate) => Some(certificate),
            RowState::Uncertified(_) => None,
        }
    }

    /// The level that holds now: an operator's word comes before the council's, and a revoked certificate counts as BLOCKED.
    pub fn level(&self) -> Option<SecurityLevel> {
        let sealed = self.certificate()?.payload().security_level;
        Some(effective_level(sealed, self.standing.as_ref()))
    }
}

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// What it was resolved for.
    pub target: Target,
    /// The manifests, each with every file that was read for it.
    pub manifests: Vec<(Ecosystem, Vec<String>)>,
    /// When the oldest of the graphs was resolved.
    pub resolved_at: Option<Timestamp>,
    /// The packages, sorted by depth and id.
    pub rows: Vec<Row>,
    /// Declarations that are not eligible.
    pub refused: Vec<Refused>,
    /// Declarations that could not be resolved.
    pub unresolved: Vec<Unresolved>,
    /// What is not installed for the target, with the reason.
    pub excluded: Vec<String>,
    /// What else the reader should know about the manifests.
    pub problems: Vec<Problem>,
    /// The levels that were asked for: 0 is direct dependencies only.
    pub depth: u8,
    /// The cap on transitive audits.
    pub cap: usize,
}

impl Audit {
    /// True when there was nothing to check at all, which is not a pass.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.refused.is_empty() && self.unresolved.is_empty()
    }

    /// The block of certificate schema 4.
    pub fn package_analysis(&self, prices: &PriceTable) -> PackageAnalysis {
        let mut packages: Vec<PackageEntry> = self.rows.iter().map(|row| entry(row, prices)).collect();
        packages.extend(self.unresolved.iter().map(unresolved_entry));
        packages.extend(self.refused.iter().map(refused_entry));
        PackageAnalysis {
            summary: self.summary(&packages),
            packages,
            transitive: self.transitive(),
            disclosure: disclosure(self),
        }
    }

    fn summary(&self, packages: &[PackageEntry]) -> PackageSummary {
        let count = |direct: bool, status: CertificationStatus| {
            let matches = packages.iter().filter(|entry| (entry.dependency_type == Depth::Direct) == direct);
            matches.filter(|entry| entry.status == status).count() as u64
        };
        let direct = |status| count(true, status);
        let transitive = packages.iter().filter(|entry| entry.dependency_type != Depth::Direct).count() as u64;
        PackageSummary {
            direct_dependencies: packages.len() as u64 - transitive,
            packages_certified_from_cache: direct(CertificationStatus::CertifiedFromCache),
            packages_audited: direct(CertificationStatus::AuditedThisSubmission),
            packages_uncertified: direct(CertificationStatus::Uncertified),
            packages_rejected: direct(CertificationStatus::Refused),
            transitive_dependencies_checked: count(false, CertificationStatus::CertifiedFromCache)
                + count(false, CertificationStatus::AuditedThisSubmission),
            transitive_dependencies_uncertified: count(false, CertificationStatus::Uncertified),
            savings_usd: packages
                .iter()
                .filter(|entry| entry.status == CertificationStatus::CertifiedFromCache)
                .map(|entry| entry.price_without_cache_usd)
                .sum(),
            uncached_cost_usd: packages.iter().map(|entry| entry.estimated_price_usd).sum(),
        }
    }

    fn transitive(&self) -> TransitiveDisclosure {
        let checked =
            |depth| self.rows.iter().filter(|r| r.package.depth == depth && r.certificate().is_some()).count();
        let without = |test: fn(&Uncertified) -> bool| {
            let why = |row: &&Row| matches!(&row.state, RowState::Uncertified(why) if test(why));
            self.rows.iter().filter(|row| row.package.depth != Depth::Direct).filter(why).count() as u64
        };
        let advisory_only =
            |row: &&Row| row.package.depth > Depth::TransitiveL1 && row.level() == Some(SecurityLevel::Blocked);
        TransitiveDisclosure {
            checked_l1: checked(Depth::TransitiveL1) as u64,
            checked_l2: checked(Depth::TransitiveL2) as u64,
            checked_l3: checked(Depth::TransitiveL3) as u64,
            beyond_depth: without(|why| matches!(why, Uncertified::BeyondDepth)),
            beyond_cap: without(|why| matches!(why, Uncertified::BeyondCap { .. })),
            uncertified: without(|_| true),
            blocked_advisory_only: self
                .rows
                .iter()
                .filter(advisory_only)
                .map(|row| BlockedTransitive {
                    package: row.package.id.to_string(),
                    dependency_type: row.package.depth,
                })
                .collect(),
        }
    }
}

fn disclosure(audit: &Audit) -> String {
    let levels = match audit.depth {
        0 => "direct dependencies only".to_owned(),
        depth => format!("direct dependencies and transitive dependencies up to L{depth}"),
    };
    format!(
        "The analysis covers {levels}, resolved for {}. Compiled binary extensions are flagged but not decompiled. The \
         transitive graph is intentionally capped (at most {} transitive audits at a time) rather than expanded without \
         bound; what lies beyond is listed as uncertified. Packages were analysed statically and not executed.",
        audit.target, audit.cap
    )
}

fn entry(row: &Row, prices: &PriceTable) -> PackageEntry {
    let package = &row.package;
    let preferred = package.release.distributions.first();
    let payload = row.certificate().map(PackageCertificate::payload);
    let estimate = || estimated_tier(preferred.and_then(|distribution| distribution.size));
    let to_audit = matches!(row.state, RowState::Uncertified(Uncertified::NotAudited)).then(estimate);
    let tier = payload.map(tier_of).or(to_audit);
    let price = tier.map_or(0, |tier| prices.price(tier));
    let (status, reason, mut warnings) = match &row.state {
        RowState::Cached(certificate) => {
            (CertificationStatus::CertifiedFromCache, None, certificate.payload().retained_warnings.clone())
        }
        RowState::Audited(certificate) => {
            (CertificationStatus::AuditedThisSubmission, None, certificate.payload().retained_warnings.clone())
        }
        RowState::Uncertified(why) => {
            let warnings = match why {
                Uncertified::Escalated { warnings, .. } => warnings.clone(),
                _ => Vec::new(),
            };
            (CertificationStatus::Uncertified, Some(why.describe()), warnings)
        }
    };
    let provenance = payload.and_then(|payload| payload.upstream_provenance.as_ref());
    warnings.extend(row.incidents.iter().map(incident_warning));
    warnings.extend(row.standing.as_ref().map(standing_warning));
    PackageEntry {
        package_name: package.id.name().to_string(),
        package_version: Some(package.id.version().to_owned()),
        declared_spec: package.parents.iter().find(|parent| parent.package.is_none()).map(|parent| parent.spec.clone()),
        registry_source: package.id.ecosystem(),
        dependency_type: package.depth,
        parents: package.parents.iter().map(parent_entry).collect(),
        distribution: preferred.map(|distribution| distribution.filename.clone()),
        distribution_sha256: payload.map(|payload| payload.distribution_sha256),
        status,
        reason,
        certificate_id: row.certificate().map(|certificate| certificate.id().to_owned()),
        security_level: row.level(),
        analysis_type: payload.map(|payload| payload.analysis_type),
        new_since: payload
            .and_then(|payload| payload.delta.as_ref())
            .filter(|delta| delta.security_level > SecurityLevel::Clear)
            .map(|delta| delta.summary.clone()),
        registry_advisory_state: payload.map(|payload| payload.registry_advisory_state.clone()),
        registry_advisory_count: payload.and_then(|payload| payload.registry_advisory_count),
        registry_advisory_summary: payload.map(|payload| payload.registry_advisory_summary.clone()),
        upstream_provenance: provenance.map(|entry| entry.status),
        upstream_publisher: provenance.and_then(|entry| Some(entry.publisher.as_ref()?.words())),
        estimated_complexity_tier: tier.map(|tier| tier.to_string()),
        estimated_price_usd: if status == CertificationStatus::CertifiedFromCache { 0 } else { price },
        price_without_cache_usd: price,
        warnings,
    }
}

/// What an operator decided is said with its reason.
fn standing_warning(standing: &Standing) -> Warning {
    Warning {
        severity: sigma_core::Severity::High,
        code: "operator-decision".to_owned(),
        message: format!(
            "An operator decided on {} that this certificate is {}: {}",
            standing.at,
            standing.action.status().as_str(),
            standing.reason
        ),
        distribution: None,
        location: None,
        evidence: None,
    }
}

/// An earlier mismatch stays visible after a later success.
fn incident_warning(incident: &Incident) -> Warning {
    Warning {
        severity: sigma_core::Severity::High,
        code: "earlier-integrity-mismatch".to_owned(),
        message: format!("on {} a fetch gave other bytes than expected: got {}", incident.seen_at, incident.got),
        distribution: Some(incident.filename.clone()),
        location: None,
        evidence: Some(format!("expected {} ({})", incident.expected, incident.authority)),
    }
}

fn parent_entry(parent: &sigma_core::Parent) -> ParentEntry {
    ParentEntry {
        package: parent.package.as_ref().map_or_else(|| "project".to_owned(), ToString::to_string),
        declared_spec: parent.spec.clone(),
        declared_at: parent.at.as_ref().map(ToString::to_string),
    }
}

/// A row without package: a declaration that was refused or could not be resolved.
fn bare_entry(
    ecosystem: Ecosystem,
    name: &str,
    depth: Depth,
    status: CertificationStatus,
    reason: String,
) -> PackageEntry {
    PackageEntry {
        package_name: name.to_owned(),
        package_version: None,
        declared_spec: None,
        registry_source: ecosystem,
        dependency_type: depth,
        parents: Vec::new(),
        distribution: None,
        distribution_sha256: None,
        status,
        reason: Some(reason),
        certificate_id: None,
        security_level: None,
        analysis_type: None,
        new_since: None,
        registry_advisory_state: None,
        registry_advisory_count: None,
        registry_advisory_summary: None,
        upstream_provenance: None,
        upstream_publisher: None,
        estimated_complexity_tier: None,
        estimated_price_usd: 0,
        price_without_cache_usd: 0,
        warnings: Vec::new(),
    }
}

fn unresolved_entry(unresolved: &Unresolved) -> PackageEntry {
    let declared = unresolved.parents.iter().any(|parent| parent.package.is_none());
    let depth = if declared || unresolved.parents.is_empty() { Depth::Direct } else { Depth::TransitiveL1 };
    PackageEntry {
        declared_spec: Some(unresolved.spec.clone()),
        parents: unresolved.parents.iter().map(parent_entry).collect(),
        ..bare_entry(
            unresolved.ecosystem,
            &unresolved.name,
            depth,
            CertificationStatus::Uncertified,
            format!("could not be resolved{}: {}", places(unresolved), unresolved.detail),
        )
    }
}

/// Where the project declares it, as ` (requirements.txt:3)`; empty when only other packages ask for it.
pub(crate) fn places(unresolved: &Unresolved) -> String {
    let at: Vec<String> =
        unresolved.parents.iter().filter_map(|parent| parent.at.as_ref().map(ToString::to_string)).collect();
    if at.is_empty() { String::new() } else { format!(" ({})", at.join(", ")) }
}

fn refused_entry(refused: &Refused) -> PackageEntry {
    let reason = format!("{} at {}: {}", refused.reason.describe(), refused.at, refused.advice);
    bare_entry(refused.ecosystem, &refused.declaration, Depth::Direct, CertificationStatus::Refused, reason)
}
