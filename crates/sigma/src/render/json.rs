//! JSON with the names of the public API. Stable: fields are added, never renamed.

use anyhow::Result;
use serde_json::{Value, json};
use sigma_certificate::{CertificationStatus, Endpoints, PackageAnalysis, PackageEntry, Since};
use sigma_core::Depth;
use sigma_pipeline::{Audit, Decision, WaiverState, WaiverUse};

use crate::config::Config;
use crate::render::Shown;

pub fn audit(
    audit: &Audit,
    analysis: &PackageAnalysis,
    decision: &Decision,
    waivers: &[WaiverUse],
    preview: bool,
) -> Result<String> {
    let (word, reasons): (&str, &[String]) = match decision {
        Decision::Pass => ("pass", &[]),
        Decision::Fail(reasons) => ("fail", reasons),
        Decision::Undecided(reasons) => ("undecided", reasons),
    };
    let manifests: Vec<Value> =
        audit.manifests.iter().map(|(ecosystem, files)| json!({"registrySource": ecosystem, "files": files})).collect();
    let value = json!({
        "decision": word,
        "reasons": reasons,
        "target": {"pythonVersion": audit.target.python, "platform": audit.target.platform},
        "manifests": manifests,
        "resolvedAt": audit.resolved_at,
        "preview": package_preview(analysis, preview),
        "packageAnalysis": analysis,
        "refused": audit.refused,
        "notInstalledForTarget": audit.excluded,
        "problems": audit.problems,
        "waivers": self::waivers(waivers),
    });
    Ok(format!("{value:#}\n"))
}

/// Every waiver and how it fared.
pub fn waivers(uses: &[WaiverUse]) -> Vec<Value> {
    let one = |used: &WaiverUse| {
        let waiver = &used.waiver;
        let state = match used.state {
            WaiverState::Unmatched => "unmatched",
            WaiverState::ContentChanged { .. } => "content-changed",
            WaiverState::Applied => "applied",
            WaiverState::Expired => "expired",
            WaiverState::NeedsAllowBlocked => "needs-allow-blocked",
            WaiverState::TooMany => "too-many",
        };
        json!({
            "rule": waiver.rule, "path": waiver.path, "sha256": waiver.sha256, "owner": waiver.owner,
            "reason": waiver.reason, "expires": waiver.expires.to_string(), "declaredAt": waiver.at,
            "state": state, "packages": used.packages,
        })
    };
    uses.iter().map(one).collect()
}

/// The body of the package preview: direct dependencies as items, transitive ones as aggregates.
fn package_preview(analysis: &PackageAnalysis, preview: bool) -> Value {
    let summary = &analysis.summary;
    let items: Vec<Value> =
        analysis.packages.iter().filter(|entry| entry.dependency_type == Depth::Direct).map(item).collect();
    // Before an audit, what has no certificate is still to be audited; after it, it is uncertified.
    let unaudited = if preview { summary.packages_uncertified } else { 0 };
    json!({
        "enabled": true,
        "packagesTotal": summary.direct_dependencies,
        "packagesCertifiedFromCache": summary.packages_certified_from_cache,
        "packagesToAudit": summary.packages_audited + unaudited,
        "packagesRejected": summary.packages_rejected,
        "packagesUncertified": summary.packages_uncertified - unaudited,
        "transitiveDependenciesChecked": summary.transitive_dependencies_checked,
        "transitiveDependenciesUncertified": summary.transitive_dependencies_uncertified,
        "savingsUsd": summary.savings_usd,
        "uncachedCostUsd": summary.uncached_cost_usd,
        "items": items,
    })
}

fn item(entry: &PackageEntry) -> Value {
    let status = match entry.status {
        CertificationStatus::CertifiedFromCache | CertificationStatus::AuditedThisSubmission => "CERTIFIED",
        CertificationStatus::Uncertified => "UNCERTIFIED",
        CertificationStatus::Refused => "REJECTED",
    };
    json!({
        "packageName": entry.package_name,
        "packageVersion": entry.package_version,
        "registrySource": entry.registry_source,
        "dependencyType": entry.dependency_type,
        "cached": entry.status == CertificationStatus::CertifiedFromCache,
        "status": status,
        "estimatedComplexityTier": entry.estimated_complexity_tier,
        "estimatedPriceUsd": entry.estimated_price_usd,
        "warnings": entry.warnings,
    })
}

pub fn certificates(certificates: &[Shown], config: &Config) -> Result<String> {
    let endpoints = Endpoints::new(config.api_base.as_str());
    let view = |(certificate, decision): &'_ Shown| {
        let since = Since { decision: decision.as_ref(), advisories: None };
        serde_json::to_value(certificate.view(&endpoints, since))
    };
    let views: Vec<Value> = certificates.iter().map(view).collect::<Result<_, _>>()?;
    let text = match views.as_slice() {
        [one] => serde_json::to_string_pretty(one)?,
        many => serde_json::to_string_pretty(many)?,
    };
    Ok(text + "\n")
}
