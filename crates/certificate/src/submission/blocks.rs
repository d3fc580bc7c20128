//! The blocks of a submission's certificate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sigma_core::{
    Capability, CodeLanguage, ComplexityTier, EndpointProbe, Exercise, ExternalCall, FileEntry, ManifestDelta,
    NetworkAttempt, RiskFlag, SandboxTier, SecurityLevel, Sha256, SpawnAttempt, Timestamp, Warning,
};

use super::HarnessSummary;

/// Where the files came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceBlock {
    /// `git`.
    pub source_type: SourceType,
    /// The repository's https address.
    pub source_url: String,
    /// The branch, tag or commit as it was asked for.
    pub source_ref: String,
    /// The exact commit.
    pub commit: String,
    /// The folder under review; empty for the root.
    pub folder: String,
    /// The entry point, relative to the repository's root. Only where there is code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// What kind of place files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SourceType {
    /// A public git repository.
    Git,
}

/// Levels, and the concerns that stay with the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Review {
    /// CLEAR, MONITORED, CAUTION or BLOCKED.
    pub security_level: SecurityLevel,
    /// Serious concerns (HIGH and CRITICAL), most serious first.
    pub retained_errors: Vec<Warning>,
    /// Other concerns, most serious first.
    pub retained_warnings: Vec<Warning>,
    /// How risky the run in isolation was; `null` where nothing was run, which is not "no risk".
    pub sandbox_risk_level: Option<SandboxRisk>,
    /// When it was run; `null` where nothing was run.
    pub sandbox_analyzed_at: Option<Timestamp>,
}

/// The highest severity among the flags of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SandboxRisk {
    /// Nothing, or nothing worth a flag.
    Low,
    /// MEDIUM.
    Medium,
    /// HIGH.
    High,
    /// CRITICAL.
    Critical,
}

/// What the SKILL.md declares. Claims of its author, printable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ManifestBlock {
    /// SHA-256 of the SKILL.md with its line ends normalised to LF.
    pub sha256: Sha256,
    /// What it is for, as declared.
    pub description: Option<String>,
    /// Licence, as declared.
    pub license: Option<String>,
    /// Whether it declares to use the network and the file system.
    pub safety: Safety,
    /// Capabilities, as declared.
    pub capabilities: Vec<String>,
    /// Calls to others, as declared.
    pub external_calls: Vec<ExternalCall>,
    /// Tools that an agent may use for it without asking, as declared.
    pub allowed_tools: Vec<String>,
    /// What is wrong with it, with its line.
    pub problems: Vec<String>,
}

/// What a skill declares to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Safety {
    /// The network: it declares calls to others, or a capability that means it.
    pub network: bool,
    /// The file system: it declares a capability that means it.
    pub filesystem: bool,
}

/// What was seen of declared endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EndpointReview {
    /// Every declared endpoint, and what came of it: destructive ones are not probed, and say so.
    pub declared_endpoints: Vec<EndpointProbe>,
    /// Hosts that the code names or tried to reach, declared or not.
    pub observed_urls: Vec<String>,
}

/// The review of the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CodeReview {
    /// Exactly which files were reviewed.
    pub source_integrity: SourceIntegrity,
    /// What the deterministic first stage says.
    pub pre_processor: PreProcessorSummary,
    /// What running it showed.
    pub execution: ExecutionSummary,
    /// What the certificate does not cover.
    pub disclaimer: String,
}

/// Exactly which files were reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceIntegrity {
    /// The repository's https address.
    pub repository_url: String,
    /// The exact commit.
    pub commit_sha: String,
    /// `python` or `node`.
    pub language: CodeLanguage,
    /// The declared entry point, relative to the repository's root.
    pub entry_point: String,
    /// One hash over all files included in the review.
    pub code_files_hash: Sha256,
    /// `sha256-sorted-files-v1`, over paths relative to the folder under review.
    pub code_files_hash_algorithm: String,
    /// The files that were included, sorted by path.
    pub files: Vec<IncludedFile>,
}

/// A file that was included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IncludedFile {
    /// Path relative to the folder under review.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
}

impl From<&FileEntry> for IncludedFile {
    fn from(file: &FileEntry) -> Self {
        Self { path: file.path.clone(), size: file.size, sha256: file.sha256 }
    }
}

/// What the deterministic first stage says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PreProcessorSummary {
    /// standard, complex or high-complex.
    pub complexity_tier: ComplexityTier,
    /// All files that were analysed.
    pub files_analysed: u64,
    /// Of these, source that was parsed completely.
    pub files_parsed: u64,
    /// Places that were not read in full; each is named in the disclosures.
    pub files_not_read_in_full: u64,
    /// Whether all dependencies were pinned; `null` where none is declared.
    pub dependencies_pinned: Option<bool>,
    /// What the code is able to do.
    pub capabilities: Vec<Capability>,
    /// Static hosts that it names in network calls.
    pub hosts: Vec<String>,
    /// Findings that the entry point reaches.
    pub findings_reachable: u64,
    /// Findings in code that it does not reach.
    pub findings_unreachable: u64,
    /// Where SKILL.md and code do not say the same, in both directions. Only where there is a skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_delta: Option<ManifestDelta>,
    /// Modules of others that the code imports and no manifest declares.
    pub undeclared_imports: Vec<String>,
    /// Packages that a manifest declares and the code does not import.
    pub unused_packages: Vec<String>,
}

/// What running the code in isolation showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExecutionSummary {
    /// `completed`, `skipped` or `error`.
    pub status: String,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// How isolated the run was.
    pub sandbox_tier: Option<SandboxTier>,
    /// The interpreter.
    pub interpreter: Option<String>,
    /// Network connection attempts intercepted: a floor where a program hides what it does.
    pub network_attempts: u64,
    /// The first of them.
    pub network: Vec<NetworkAttempt>,
    /// Process spawn attempts intercepted.
    pub spawn_attempts: u64,
    /// The first of them.
    pub spawns: Vec<SpawnAttempt>,
    /// Files written, created, changed or removed.
    pub files_written: u64,
    /// The first of them.
    pub writes: Vec<String>,
    /// Privileged or unusual system calls that were refused, and how often.
    pub refused_calls: BTreeMap<String, u64>,
    /// How the code was used.
    pub exercised: Vec<Exercise>,
    /// Functions of the submission that ran.
    pub functions_reached: u64,
    /// Functions that it has; `null` where that cannot be told.
    pub functions_total: Option<u64>,
    /// The Senior's plain-language description of what the code did.
    pub description: String,
    /// Risk flags that the council retained at HIGH or CRITICAL.
    pub retained_risk_flags: Vec<RiskFlag>,
    /// A second run, by a harness that a model wrote. Absent where no model was asked: then the generated harness is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<HarnessSummary>,
}
