//! All that the council sees of a submission. Structured facts only; no source, and nothing that could instruct it.

use serde::{Deserialize, Serialize};

use crate::{
    Depth, EndpointProbe, Execution, FileSet, Origin, PackageId, Preprocess, SecurityLevel, SubmissionCategory, Warning,
};

/// What the developer says about the submission: a claim, never a fact and never an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AdvisoryNote {
    /// The note, printable and bounded.
    pub text: String,
    /// Why it is not shown to models: what in it reads like an instruction to the reviewer. Empty where nothing does.
    pub screened: Vec<String>,
}

/// One dependency, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageFact {
    /// The package, or the declaration as written where none was resolved.
    pub package: String,
    /// Its exact id, where it has one.
    pub id: Option<PackageId>,
    /// How deep it lies.
    pub depth: Depth,
    /// Its level; nothing where it is not certified.
    pub level: Option<SecurityLevel>,
    /// Why it is not certified.
    pub uncertified: Option<String>,
    /// What its council retained.
    pub warnings: Vec<Warning>,
}

/// The dependencies of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageFacts {
    /// Every dependency row, direct ones first.
    pub packages: Vec<PackageFact>,
    /// Packages that were not looked at because they lie deeper or beyond the cap.
    pub beyond: u64,
}

/// All that the council sees of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeDossier {
    /// What was submitted.
    pub category: SubmissionCategory,
    /// Where it came from.
    pub origin: Origin,
    /// The files under review.
    pub files: FileSet,
    /// What the deterministic first stage says.
    pub preprocess: Preprocess,
    /// What running it showed; nothing where the category has no code.
    pub execution: Option<Execution>,
    /// What was seen of declared endpoints; empty where the category has none.
    pub probes: Vec<EndpointProbe>,
    /// The dependencies; nothing where the category does not include them.
    pub packages: Option<PackageFacts>,
    /// The developer's note.
    pub note: Option<AdvisoryNote>,
}
