//! What the public sees of a submission's certificate.

use std::borrow::Cow;

use serde::Serialize;
use sigma_core::{CouncilVerdict, ExternalCall, SecurityLevel, SubmissionCategory, Timestamp, Warning};

use super::{EndpointReview, SandboxRisk, SubmissionCertificate, SubmissionPayload};
use crate::standing::{CertificateStatus, Decision, OperatorDecision, status};
use crate::{Endpoints, FILES_HASH_ALGORITHM, OnChain, PAYLOAD_HASH_ALGORITHM};

/// A submission's certificate. Without an operator's decision, everything from `advisoryNote` on is what was sealed: remove the
/// seven fields before it, canonicalise, and keccak256 gives `payloadHash`. In every case `payload` in the answer of the verify
/// endpoint is what was sealed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SubmissionView<'a> {
    /// The certificate's id.
    pub certificate_id: &'a str,
    /// Whether the hash is on a chain.
    pub on_chain: OnChain,
    /// What an operator decided since; then verdict and level are the operator's.
    pub operator_decision: Option<OperatorDecision>,
    /// keccak256 of the canonical payload.
    pub payload_hash: &'a str,
    /// How it is computed.
    pub payload_hash_algorithm: &'a str,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// Where to verify it.
    pub verify_endpoint: String,
    /// What holds now.
    #[serde(flatten)]
    pub payload: Cow<'a, SubmissionPayload>,
}

/// The answer of the verify endpoint.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SubmissionVerifyView<'a> {
    /// Whether the certificate counts: its bytes hash to its id, and it was not revoked.
    pub valid: bool,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// All of it in a sentence.
    pub summary: String,
    /// The certificate's id.
    pub certificate_id: &'a str,
    /// 2, 3 or 4.
    pub certificate_schema_version: u64,
    /// What was submitted.
    pub category: SubmissionCategory,
    /// Flags of the public that are not settled yet; `null` where nobody counts them, which is not 0.
    pub active_flag_count: Option<u64>,
    /// The verdict that holds now.
    pub council_verdict: CouncilVerdict,
    /// The level that holds now.
    pub security_level: SecurityLevel,
    /// How risky the run in isolation was; `null` where nothing was run.
    pub sandbox_risk_level: Option<SandboxRisk>,
    /// The skill's name, as claimed.
    pub skill_name: &'a str,
    /// The skill's version, as claimed.
    pub skill_version: Option<&'a str>,
    /// When it was sealed.
    pub certificate_issued_at: Timestamp,
    /// `two-phase` or `operator`.
    pub round_type: &'a str,
    /// Concerns that stay with the certificate, most serious first.
    pub retained_warnings: Vec<&'a Warning>,
    /// `not-declared`, or how many of the declared endpoints answered at certification time.
    pub endpoint_status: String,
    /// What the probes of endpoints do not tell.
    pub api_disclaimer: Option<&'a str>,
    /// The declared calls.
    pub manifest: Option<DeclaredCalls<'a>>,
    /// What was seen of them.
    pub endpoint_review: Option<&'a EndpointReview>,
    /// The hash over the reviewed files; `null` without code.
    pub code_files_hash: Option<String>,
    /// How it is computed.
    pub code_files_hash_algorithm: &'a str,
    /// What an operator decided since.
    pub operator_decision: Option<OperatorDecision>,
    /// Id of the council round.
    pub round_id: &'a str,
    /// keccak256 of the canonical form of `payload`.
    pub payload_hash: &'a str,
    /// How it is computed.
    pub payload_hash_algorithm: &'a str,
    /// Whether the hash is on a chain.
    pub on_chain: OnChain,
    /// This address.
    pub verify_endpoint: String,
    /// What was sealed, and never changes.
    pub payload: &'a SubmissionPayload,
}

/// The part of a manifest that the verify endpoint shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeclaredCalls<'a> {
    /// Calls to others, as declared.
    pub external_calls: &'a [ExternalCall],
}

const API_DISCLAIMER: &str = "Declared endpoints were asked once, with safe methods, at certification time. What they answer \
    today, to others, or to other requests is not covered.";

impl SubmissionCertificate {
    /// The public view.
    pub fn view<'a>(
        &'a self,
        endpoints: &Endpoints,
        decision: Option<&Decision>,
        on_chain: OnChain,
    ) -> SubmissionView<'a> {
        let mut payload = Cow::Borrowed(self.payload());
        if let Some(decision) = decision {
            let now = payload.to_mut();
            now.council_verdict = decision.action.verdict();
            now.review.security_level = decision.action.level();
        }
        SubmissionView {
            certificate_id: self.id(),
            on_chain,
            operator_decision: decision.map(|decision| self.decided(decision)),
            payload_hash: self.payload_hash(),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM,
            status: status(decision),
            verify_endpoint: endpoints.verify_submission(self.id()),
            payload,
        }
    }

    /// The answer of the verify endpoint.
    pub fn verify_view<'a>(
        &'a self,
        endpoints: &Endpoints,
        decision: Option<&Decision>,
        on_chain: OnChain,
        flags: Option<u64>,
    ) -> SubmissionVerifyView<'a> {
        let view = self.view(endpoints, decision, on_chain);
        let sealed = self.payload();
        let (verdict, level) = (view.payload.council_verdict, view.payload.review.security_level);
        let summary = match view.status {
            CertificateStatus::Active => {
                format!("{} ({}) is certified: {} ({level}).", sealed.skill_name, sealed.category, verdict.as_str())
            }
            CertificateStatus::Revoked => {
                format!("The certificate of {} was revoked and vouches for nothing.", sealed.skill_name)
            }
            CertificateStatus::Blocked => format!("{} was blocked by an operator.", sealed.skill_name),
            CertificateStatus::Overridden => format!(
                "{} was given the level {level} by an operator; the council had said {}.",
                sealed.skill_name, sealed.review.security_level
            ),
        };
        SubmissionVerifyView {
            valid: view.status != CertificateStatus::Revoked,
            status: view.status,
            summary,
            certificate_id: self.id(),
            certificate_schema_version: sealed.certificate_schema_version,
            category: sealed.category,
            active_flag_count: flags,
            council_verdict: verdict,
            security_level: level,
            sandbox_risk_level: sealed.review.sandbox_risk_level,
            skill_name: &sealed.skill_name,
            skill_version: sealed.skill_version.as_deref(),
            certificate_issued_at: sealed.certified_at,
            round_type: &sealed.round_type,
            retained_warnings: sealed.review.retained_errors.iter().chain(&sealed.review.retained_warnings).collect(),
            endpoint_status: endpoint_status(sealed.endpoint_review.as_ref()),
            api_disclaimer: sealed.endpoint_review.as_ref().map(|_| API_DISCLAIMER),
            manifest: sealed
                .manifest
                .as_ref()
                .map(|manifest| DeclaredCalls { external_calls: &manifest.external_calls }),
            endpoint_review: sealed.endpoint_review.as_ref(),
            code_files_hash: sealed
                .code_review
                .as_ref()
                .map(|review| review.source_integrity.code_files_hash.to_string()),
            code_files_hash_algorithm: FILES_HASH_ALGORITHM,
            operator_decision: view.operator_decision,
            round_id: &sealed.round_id,
            payload_hash: self.payload_hash(),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM,
            on_chain: view.on_chain,
            verify_endpoint: view.verify_endpoint,
            payload: sealed,
        }
    }

    fn decided(&self, decision: &Decision) -> OperatorDecision {
        OperatorDecision {
            status: decision.action.status(),
            reason: decision.reason.clone(),
            decided_at: decision.at,
            sealed_council_verdict: self.payload().council_verdict,
            sealed_security_level: self.payload().review.security_level,
        }
    }
}

fn endpoint_status(review: Option<&EndpointReview>) -> String {
    let Some(review) = review else { return "not-declared".to_owned() };
    let answered = review
        .declared_endpoints
        .iter()
        .filter(|one| matches!(one.outcome, sigma_core::ProbeOutcome::Answered { .. }))
        .count();
    format!("{answered} of {} answered at certification time", review.declared_endpoints.len())
}
