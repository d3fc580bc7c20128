//! The outcome of static analysis: findings, capabilities and coverage.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{AnalysisType, Capability, Digests, DistributionKind, Finding, PackageId, Sha256};

/// A file inside an artifact or a submission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path with forward slashes, as the archive spells it.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the content.
    pub sha256: Sha256,
}

/// The files inside an artifact or a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSet {
    /// The files, sorted by path (bytewise).
    pub files: Vec<FileEntry>,
}

/// A native or compiled file: flagged, not decompiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BinaryFile {
    /// Path inside the distribution.
    pub path: String,
    /// `elf`, `pe`, `mach-o`, `wasm`, `pyc`.
    pub format: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the content.
    pub sha256: Sha256,
}

/// Why something was not analysed, or not in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// The parser refused it; a token scan read it instead.
    NotParsed,
    /// Nested deeper than the parser is allowed to go; a token scan read it instead.
    TooDeep,
    /// Larger than the limit for one file.
    TooLarge,
    /// The limit for the whole distribution was reached before it.
    OverBudget,
    /// Its compression ratio is that of a bomb.
    Ratio,
    /// An archive inside an archive, deeper than allowed or not readable.
    NestedArchive,
    /// The archive is damaged at this place.
    Damaged,
    /// Encrypted.
    Encrypted,
    /// A compression method or format that is not read.
    Unsupported,
    /// A link, device or other thing that is not a file.
    NotAFile,
}

/// One thing that was not analysed in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// Path inside the distribution, printable; empty for the archive itself.
    pub path: String,
    /// The kind of reason.
    pub reason: SkipReason,
    /// What exactly, with figures.
    pub detail: String,
}

/// What was read, what was not, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files inside the distribution.
    pub files: u64,
    /// Their unpacked size in bytes.
    pub bytes: u64,
    /// Files in a language that is analysed.
    pub source_files: u64,
    /// Their size in bytes.
    pub source_bytes: u64,
    /// Of these, how many were parsed completely.
    pub parsed: u64,
    /// Of these, how many were read by the token scan because they do not parse.
    pub token_scanned: u64,
    /// Native and compiled files.
    pub binaries: Vec<BinaryFile>,
    /// What was not analysed in full, at most 200 entries.
    pub skipped: Vec<Skipped>,
    /// How many entries `skipped` would hold without its limit.
    pub skipped_total: u64,
    /// Digests of the files that findings of MEDIUM or more stand in, by the path that the findings name. A path that two
    /// files share has none.
    #[serde(default)]
    pub cited: BTreeMap<String, Sha256>,
}

impl Coverage {
    /// True when some part was not read at all; a token scan counts as read.
    pub fn has_gaps(&self) -> bool {
        let read = |reason| matches!(reason, SkipReason::NotParsed | SkipReason::TooDeep | SkipReason::NotAFile);
        self.skipped_total > self.skipped.len() as u64 || self.skipped.iter().any(|skipped| !read(skipped.reason))
    }
}

/// What static analysis says about one distribution. A pure function of its bytes and the ruleset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionReport {
    /// The distribution's file name.
    pub filename: String,
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// Digests of its bytes.
    pub digests: Digests,
    /// What was read and what was not.
    pub coverage: Coverage,
    /// What the code is able to do.
    pub capabilities: BTreeSet<Capability>,
    /// Static hosts that it names in network calls, sorted, at most 200.
    pub hosts: BTreeSet<String>,
    /// Top-level modules that it imports, sorted, at most 500.
    pub imports: BTreeSet<String>,
    /// What runs at installation, as `file` or `package.json#scripts.postinstall`.
    pub install_hooks: BTreeSet<String>,
    /// The findings, sorted; at most 40 for each rule.
    pub findings: Vec<Finding>,
    /// How often each rule hit, without that limit.
    pub rule_hits: BTreeMap<String, u64>,
}

/// What static analysis says about a release: its distributions together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The exact package.
    pub package: PackageId,
    /// Version of the ruleset.
    pub ruleset: String,
    /// How much of it was analysed.
    pub analysis_type: AnalysisType,
    /// The distributions read, the installer's choice first.
    pub distributions: Vec<DistributionReport>,
}

impl Report {
    /// Every finding, with the distribution it is in.
    pub fn findings(&self) -> impl Iterator<Item = (&DistributionReport, &Finding)> {
        self.distributions.iter().flat_map(|distribution| distribution.findings.iter().map(move |f| (distribution, f)))
    }
}
