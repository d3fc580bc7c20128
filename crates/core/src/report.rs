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
    /// What its imported symbols and libraries (for `pyc`: names) make it able to do. Empty also where they are unreadable.
    #[serde(default)]
    pub imports: BTreeSet<Capability>,
}

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Source that was parsed completely.
    Parsed,
    /// Source that does not parse, or not within the limits; a token scan read all of it.
    TokenScanned,
    /// Text in no language with a parser; searched as a whole for what may stand in any text.
    TextScanned,
    /// An archive that was opened: its members are files of their own.
    Opened,
    /// Native or compiled code: its format and imports were read, not its instructions.
    Binary,
    /// Other bytes, such as images: hashed, and looked at only for what they begin with.
    Hashed,
    /// Larger than a limit: hashed only.
    OverLimit,
}

/// How far one file was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceState {
    /// Path inside the distribution, printable.
    pub path: String,
    /// How far it was read.
    pub state: FileState,
    /// Why it was not parsed completely; nothing where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SkipReason>,
}

/// Why something was not analysed, or not in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// The parser refused it; a token scan read it instead.
    NotParsed,
    /// It is written in an encoding that is not read; its bytes were taken as latin-1.
    Encoding,
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

impl SkipReason {
    /// True unless a token scan read it, or there was nothing to read.
    pub fn is_gap(self) -> bool {
        !matches!(self, Self::NotParsed | Self::TooDeep | Self::NotAFile)
    }
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
    /// How many files were read how far. Complete: the counts add up to `files`.
    #[serde(default)]
    pub states: BTreeMap<FileState, u64>,
    /// The same by extension, in lower case; `` is no extension, `*` all beyond the first 100 by name. Complete too.
    #[serde(default)]
    pub extensions: BTreeMap<String, BTreeMap<FileState, u64>>,
    /// Every source file, sorted by path; at most 10,000, those that were not parsed first.
    #[serde(default)]
    pub sources: Vec<SourceState>,
    /// Digests of the files that findings of MEDIUM or more stand in, by the path that the findings name. A path that two
    /// files share has none.
    #[serde(default)]
    pub cited: BTreeMap<String, Sha256>,
}

impl Coverage {
    /// True when some part was not read at all; a token scan counts as read.
    pub fn has_gaps(&self) -> bool {
        self.skipped_total > self.skipped.len() as u64 || self.skipped.iter().any(|skipped| skipped.reason.is_gap())
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
    /// What a user starts by name: modules of console scripts, files of npm's `bin`; sorted, at most 500.
    #[serde(default)]
    pub entry_points: BTreeSet<String>,
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
