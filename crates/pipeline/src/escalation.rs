//! What an operator says about a package that the council escalated.
//!
//! In: an open escalation, a verdict, a reason. Out: a certificate that says what the council saw and that an operator decided,
//! and that from then on answers everybody who asks for the package.

use sigma_certificate::PackageCertificate;
use sigma_core::{CouncilVerdict, Timestamp};
use sigma_store::{EscalationDecision, Sealed, Store, Verdict};

use crate::AuditError;

/// An operator's word about an escalated package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRuling {
    /// The escalation's id.
    pub escalation: String,
    /// What is decided.
    pub verdict: Verdict,
    /// Why, for the public; printable.
    pub reason: String,
    /// Who decides. Not shown to the public.
    pub operator: String,
}

/// Decides an open escalation, durably: seals the certificate, and records who decided what and why. `None` when none is open
/// under this id.
///
/// # Errors
/// When the store refuses.
pub async fn decide_escalation(
    store: &Store,
    ruling: &OperatorRuling,
    now: Timestamp,
) -> Result<Option<PackageCertificate>, AuditError> {
    let Some((escalation, report, round)) = store.escalation(&ruling.escalation).await? else { return Ok(None) };
    if escalation.decided.is_some() {
        return Ok(None);
    }
    let level = ruling.verdict.level();
    let mut payload = escalation.payload;
    // What is decided is newer than what it was decided about, whatever the clock says: see `Hall::later_than`.
    let at = now.max(payload.certified_at);
    payload.certified_at = at;
    payload.security_level = level;
    payload.council_verdict = ruling.verdict.action().verdict();
    let outcome = match payload.council_verdict {
        CouncilVerdict::Approved => format!("certified at {level}"),
        CouncilVerdict::Rejected | CouncilVerdict::Escalated => "rejected".to_owned(),
    };
    payload.council_rationale = format!("{}; escalated, and {outcome} by an operator", payload.council_rationale);
    payload.disclosures.push(format!("The council's panels did not agree: an operator decided: {}", ruling.reason));
    let certificate = PackageCertificate::seal(payload).map_err(|error| AuditError::Internal(error.to_string()))?;
    let sealed = Sealed { certificate, report, round };
    let decision = EscalationDecision {
        escalation: &ruling.escalation,
        verdict: ruling.verdict,
        sealed: &sealed,
        reason: &ruling.reason,
        operator: &ruling.operator,
        at,
    };
    let decided = store.decide_escalation(&decision).await?;
    Ok(decided.then_some(sealed.certificate))
}
