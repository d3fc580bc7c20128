//! How a submission ended, as it is stored and shown.

use serde_json::{Value, json};
use sigma_store::SubmissionState;

use crate::{Audit, Coordination, Next, PriceTable};

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
