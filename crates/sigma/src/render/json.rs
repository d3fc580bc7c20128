//! JSON with the names of the public API. Stable: fields are added, never renamed.

use anyhow::Result;
use serde_json::{Value, json};
use sigma_certificate::{Endpoints, PackageAnalysis, PackageView, Since};
use sigma_pipeline::{Audit, Decision, PackagePreview, WaiverState, WaiverUse};

use crate::config::Config;
use crate::render::Shown;

pub fn audit(audit: &Audit, analysis: &PackageAnalysis, decision: &Decision, waivers: &[WaiverUse]) -> Result<String> {
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
        "preview": PackagePreview::of(analysis),
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

pub fn certificates(certificates: &[Shown], config: &Config) -> Result<String> {
    let endpoints = Endpoints::new(config.api_base.as_str());
    let views = certificates.iter().map(|(certificate, decision, on_chain)| {
        let since = Since { decision: decision.as_ref(), on_chain: Some(on_chain), ..Since::default() };
        certificate.view(&endpoints, since)
    });
    let views: Vec<PackageView<'_>> = views.collect();
    let text = match views.as_slice() {
        [one] => serde_json::to_string_pretty(one)?,
        many => serde_json::to_string_pretty(many)?,
    };
    Ok(text + "\n")
}
