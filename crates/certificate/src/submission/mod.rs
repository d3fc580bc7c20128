//! Certificates of submissions: schema 2 (skills), 3 (code) and 4 (code and its packages).
//!
//! What is sealed is [`SubmissionPayload`]: the blocks that a schema version has are there, the others are not. What becomes
//! known later (the id, the receipt of the chain, what operators decide) is in the view.

mod blocks;
mod harness;
mod view;

use serde::{Deserialize, Serialize};
use sigma_core::{AdvisoryNote, CouncilVerdict, Sha256, SubmissionCategory, Timestamp};

pub use blocks::{
    CodeReview, EndpointReview, ExecutionSummary, IncludedFile, ManifestBlock, PreProcessorSummary, Review, Safety,
    SandboxRisk, SourceBlock, SourceIntegrity, SourceType,
};
pub use harness::HarnessSummary;
pub use view::{DeclaredCalls, SubmissionVerifyView, SubmissionView};

use crate::{BallotLine, PackageAnalysis, SealError, canonical_bytes, content_id, payload_hash};

/// The domain that ids of these certificates are hashed under.
pub const SUBMISSION_SCHEMA: &str = "sigma-submission-certificate/1";

/// What is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SubmissionPayload {
    /// 2, 3 or 4: which blocks there are.
    pub certificate_schema_version: u64,
    /// What was submitted.
    pub category: SubmissionCategory,
    /// The skill's name, or that of the folder or repository; a claim of its author.
    pub skill_name: String,
    /// The skill's version, as declared.
    pub skill_version: Option<String>,
    /// APPROVED or REJECTED.
    pub council_verdict: CouncilVerdict,
    /// When it was sealed.
    pub certified_at: Timestamp,
    /// Where the files came from.
    pub source: SourceBlock,
    /// Levels, and the concerns that stay with the certificate.
    pub review: Review,
    /// What the SKILL.md declares. Only where the category has a skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestBlock>,
    /// What was seen of the declared endpoints. Only where the category has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_review: Option<EndpointReview>,
    /// The review of the code. Schema 3 and 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_review: Option<CodeReview>,
    /// The review of the packages. Schema 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_analysis: Option<PackageAnalysis>,
    /// What the developer said: a claim.
    pub advisory_note: Option<AdvisoryNote>,
    /// Id of the council round.
    pub round_id: String,
    /// `two-phase`, or `operator` where one decided an escalation.
    pub round_type: String,
    /// How each validator voted.
    pub ballots: Vec<BallotLine>,
    /// How the verdict follows from the ballots.
    pub council_rationale: String,
    /// Version of the static rules.
    pub ruleset_version: String,
    /// SHA-256 of the first stage's canonical bytes: who repeats it on the same files gets the same.
    pub report_hash: Sha256,
    /// Id of the certificate of the same source that this one replaces.
    pub supersedes: Option<String>,
    /// What was not checked, in sentences.
    pub disclosures: Vec<String>,
}

/// A sealed certificate: the canonical bytes are the certificate, the rest follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionCertificate {
    id: String,
    payload: SubmissionPayload,
    canonical: Vec<u8>,
    payload_hash: String,
}

impl SubmissionCertificate {
    /// Seals a payload.
    ///
    /// # Errors
    /// When the round was escalated, the blocks are not those of the schema version, or there are no canonical bytes.
    pub fn seal(payload: SubmissionPayload) -> Result<Self, SealError> {
        if payload.council_verdict == CouncilVerdict::Escalated {
            return Err(SealError::EscalatedSubmission(payload.skill_name));
        }
        check(&payload)?;
        let canonical = canonical_bytes(&payload)?;
        Ok(Self::from_parts(payload, canonical))
    }

    /// Reads stored bytes back, and refuses bytes that are not exactly what sealing their content would give.
    ///
    /// # Errors
    /// When they are not.
    pub fn open(canonical: Vec<u8>) -> Result<Self, SealError> {
        let payload: SubmissionPayload = serde_json::from_slice(&canonical)?;
        check(&payload)?;
        if canonical_bytes(&payload)? != canonical {
            return Err(SealError::NotCanonical);
        }
        Ok(Self::from_parts(payload, canonical))
    }

    fn from_parts(payload: SubmissionPayload, canonical: Vec<u8>) -> Self {
        let id = content_id("sig", SUBMISSION_SCHEMA, &canonical);
        let payload_hash = payload_hash(&canonical);
        Self { id, payload, canonical, payload_hash }
    }

    /// `sig_` and 32 characters that follow from the canonical bytes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was sealed.
    pub fn payload(&self) -> &SubmissionPayload {
        &self.payload
    }

    /// The bytes that were hashed.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// keccak256 of the canonical bytes, `0x...`.
    pub fn payload_hash(&self) -> &str {
        &self.payload_hash
    }
}

/// The blocks are those that the category has: a reader may rely on the version alone.
fn check(payload: &SubmissionPayload) -> Result<(), SealError> {
    let category = payload.category;
    let right = payload.certificate_schema_version == category.schema_version()
        && payload.code_review.is_some() == category.has_code()
        && payload.package_analysis.is_some() == category.has_packages()
        && payload.manifest.is_some() == category.has_skill()
        && payload.endpoint_review.is_some() == category.has_api();
    if right { Ok(()) } else { Err(SealError::Blocks(category)) }
}

#[cfg(test)]
mod tests;
