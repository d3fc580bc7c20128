//! How a submission ended, as it is stored and shown.

use serde_json::{Value, json};
use sigma_core::{CouncilVerdict, Ruling};
use sigma_store::SubmissionState;

use crate::{Audit, Certified, Coordination, Examination, Next, PriceTable};

/// The state a decision leads to, and the document that tells everything about it.
pub(crate) fn ended(audit: &Audit, prices: &PriceTable) -> (SubmissionState, Value) {
    let decision = Coordination::of(audit);
    let state = match decision.next {
        Next::Proceed => SubmissionState::Cleared,
        Next::Stop => SubmissionState::Stopped,
        Next::Hold => SubmissionState::Held,
    };
    let manifests: Vec<Value> =
        audit.manifests.iter().map(|(ecosystem, files)| json!({"registrySource": ecosystem, "files": files})).collect();
    let document = json!({
        "state": state.as_str(),
        "reasons": decision.reasons,
        "advisories": decision.advisories,
        "target": {"pythonVersion": audit.target.python, "platform": audit.target.platform},
        "manifests": manifests,
        "resolvedAt": audit.resolved_at,
        "packageAnalysis": audit.package_analysis(prices),
        "refused": audit.refused,
        "notInstalledForTarget": audit.excluded,
        "problems": audit.problems,
    });
    (state, document)
}

/// The state that a ruling leads to, and the document that tells everything about it.
pub(crate) fn reviewed(
    examination: &Examination,
    ruling: &Ruling,
    certified: &Certified,
    advisories: &[String],
) -> (SubmissionState, Value) {
    let state = match ruling.verdict {
        CouncilVerdict::Approved => SubmissionState::Certified,
        CouncilVerdict::Rejected => SubmissionState::Rejected,
        CouncilVerdict::Escalated => SubmissionState::Escalated,
    };
    let reasons = match state {
        SubmissionState::Certified => Vec::new(),
        _ => vec![ruling.rationale.clone()],
    };
    let document = json!({
        "state": state.as_str(),
        "reasons": reasons,
        "advisories": advisories,
        "certificateId": certified.certificate().map(sigma_certificate::SubmissionCertificate::id),
        "councilVerdict": ruling.verdict,
        "securityLevel": ruling.level,
        "retainedWarnings": ruling.warnings,
        "execution": examination.dossier.execution.as_ref().map(|execution| &execution.description),
        "packageAnalysis": examination.packages,
    });
    (state, document)
}

/// The certificates that a result tells of.
pub(crate) fn certificates_of(result: &Value) -> Vec<&str> {
    let packages = result["packageAnalysis"]["packages"].as_array().into_iter().flatten();
    packages.chain([result]).filter_map(|one| one["certificateId"].as_str()).collect()
}
