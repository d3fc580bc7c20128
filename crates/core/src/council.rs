//! What the council sees, how its members vote, and what it rules.

use serde::{Deserialize, Serialize};

use crate::{
    AdvisorySnapshot, Delta, EntryPointRuns, PackageId, Release, Report, SecurityLevel, Severity, Sha256,
    UpstreamProvenance,
};

/// All that the council sees of one package. Structured facts only; no source, and nothing that could instruct it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// The exact package.
    pub package: PackageId,
    /// The release as the ecosystem describes it.
    pub release: Release,
    /// What static analysis found.
    pub report: Report,
    /// What the ecosystem's advisories say.
    pub advisories: AdvisorySnapshot,
    /// What is new since the last certified version; `None` when none is certified, which is not "nothing new".
    pub delta: Option<Delta>,
    /// What the ecosystem attests about where it comes from.
    #[serde(default)]
    pub provenance: UpstreamProvenance,
    /// What its commands did in isolation; `None` when nobody asked for that, which is not "nothing".
    pub entry_points: Option<EntryPointRuns>,
}

/// Which of the two panels a ballot belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Phase {
    /// The first panel.
    One,
    /// The second, fresh panel, which looks at the same dossier adversarially.
    Two,
}

/// A validator's vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Vote {
    /// Fit for certification, possibly with warnings.
    Safe,
    /// Not fit.
    Unsafe,
    /// The dossier holds nothing this validator can judge.
    Abstain,
}

/// Why a validator voted as it did: one fact, and what the validator makes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The level that this reason alone asks for.
    pub level: SecurityLevel,
    /// Rule or check that raised it.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The distribution it is in, if any.
    pub distribution: Option<String>,
    /// `path:line` inside the distribution, if any.
    pub location: Option<String>,
    /// The evidence, printable.
    pub evidence: Option<String>,
}

/// The model behind a ballot, what it was asked, and what that took. How long it took is not here: a round is hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelSeat {
    /// The model, as its vendor names it.
    pub model: String,
    /// The family it is of: models of one family are taken to err alike.
    pub family: String,
    /// SHA-256 of the prompt, with which the round can be repeated; nothing where the model was not asked.
    pub prompt_sha256: Option<Sha256>,
    /// Tokens of the prompt, as the vendor counts them; nothing where it did not say.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the vendor counts them; nothing where it did not say.
    pub output_tokens: Option<u64>,
    /// What asking it cost at the configured prices, in millionths of a US dollar; the most it can have cost where the
    /// vendor did not say.
    pub cost_micro_usd: u64,
}

/// One validator's vote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ballot {
    /// The validator's id.
    pub validator: String,
    /// The panel it sat on.
    pub phase: Phase,
    /// The vote.
    pub vote: Vote,
    /// The level it proposes.
    pub level: SecurityLevel,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// The model that voted; nothing for an embedded validator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSeat>,
}

/// A concern that stays with the certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Warning {
    /// How serious it is.
    pub severity: Severity,
    /// Rule or check that raised it.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The distribution it is in, if any.
    pub distribution: Option<String>,
    /// `path:line` inside the distribution, if any.
    pub location: Option<String>,
    /// The evidence, printable.
    pub evidence: Option<String>,
}

/// What the council decides about certification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CouncilVerdict {
    /// A certificate is issued.
    Approved,
    /// A BLOCKED certificate is issued.
    Rejected,
    /// The panels do not agree: an operator decides, nothing is certified.
    Escalated,
}

impl CouncilVerdict {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Escalated => "ESCALATED",
        }
    }
}

/// The outcome of a two-phase round: a pure function of its ballots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Certified, rejected or escalated.
    pub verdict: CouncilVerdict,
    /// The level; for an escalation the level that the stricter panel asks for.
    pub level: SecurityLevel,
    /// What stays with the certificate, most serious first.
    pub warnings: Vec<Warning>,
    /// Every ballot cast, in order of phase and validator.
    pub ballots: Vec<Ballot>,
    /// How the outcome follows from the ballots, in a sentence.
    pub rationale: String,
}
