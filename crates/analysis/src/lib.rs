//! Hostile bytes in, a report out.
//!
//! In: the bytes of one distribution (or the files of a submission). Out: [`sigma_core::FileSet`] and
//! [`sigma_core::DistributionReport`]. Synchronous and pure: no network, no clock, no environment, no processes, nothing
//! written to disk. The same bytes and the same ruleset always give the same report.
//!
//! The way of a file: `archive` unpacks it, `parsers` reads it into `facts`, `rules` look at those, `report` collects.

mod ahead;
mod archive;
mod facts;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod language;
mod limits;
mod literals;
mod names;
mod operator;
mod parsers;
mod preprocess;
mod release;
mod report;
mod rules;
mod signatures;
mod unpack;

pub use limits::Limits;
pub use operator::{OperatorRules, RuleFile, RuleProblem, RuleProblems};
pub use preprocess::{Submitted, declared_host};
pub use release::{WHEEL_DIFFERS, compare};
pub use report::{MAX_FINDINGS as FINDINGS_PER_RULE, analysis_type};
pub use rules::catalogue::{RuleEntry, catalogue};
pub use signatures::{Signature, signatures};
pub use unpack::{Packed, list, unpack};

use std::io::{Read, Seek};
use std::sync::{Arc, OnceLock};

use sigma_core::{
    Digests, DistributionKind, DistributionReport, FileEntry, FileSet, FileState, PackageId, Sha256, SkipReason,
    Skipped, SourceState, printable,
};

use ahead::Ahead;
use rayon::ThreadPool;
use report::{Distribution, File, MAX_PATH, Memory, Outcome, Reading};

/// Bytes that can be read from any position, such as an open file.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Which package a distribution is.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// The ecosystem published it as this one.
    Published(&'a PackageId),
    /// Nobody says, but perhaps this one, by its file's name. What its own manifest says comes first: a file on a disk can be
    /// called anything.
    Perhaps(&'a PackageId),
}

/// One distribution to analyse. Its digests were verified by the caller.
pub struct Input<'a> {
    /// The package it is.
    pub package: Named<'a>,
    /// The distribution's file name; decides the archive format together with the first bytes.
    pub filename: &'a str,
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// Digests of its bytes.
    pub digests: Digests,
    /// The bytes.
    pub bytes: &'a mut dyn Source,
}

/// A file that lies in a folder rather than in an archive.
pub enum Loose<'a> {
    /// A file.
    File {
        /// Its path as it would stand in an archive of its kind.
        path: &'a str,
        /// Its size in bytes.
        size: u64,
        /// Digest of the whole.
        sha256: Sha256,
        /// Its bytes; of a file larger than [`Limits::file_bytes`], the first of them.
        bytes: &'a [u8],
    },
    /// Something that was not read, and why.
    Skipped(Skipped),
}

/// Takes one file after the other.
pub type Tell<'t> = dyn FnMut(Loose<'_>) + 't;

/// What analysis yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The report.
    pub report: DistributionReport,
    /// The files inside, for the file-set hash.
    pub files: FileSet,
    /// How far each of these files was read, in their order, and why not further. The report counts them all and names
    /// those that were not read in full; its memory must not grow with the distribution.
    pub states: Vec<(FileState, Option<SkipReason>)>,
    /// The package it is; nothing for bare files that nobody named.
    pub package: Option<PackageId>,
}

impl Analysis {
    /// The complete map of what was read, by path.
    pub fn map(&self) -> Vec<SourceState> {
        let files = self.files.files.iter().zip(&self.states);
        let row = |(file, (state, reason)): (&FileEntry, &(FileState, Option<SkipReason>))| SourceState {
            path: printable(&file.path, MAX_PATH),
            state: *state,
            reason: *reason,
        };
        files.map(row).collect()
    }
}

/// The version of the rules. It changes whenever the same bytes could give another report.
pub const RULESET: &str = "2026.11.12";

/// Bytes of stack on which a distribution is analysed, so that not every deep file needs a stack of its own. Only what
/// is touched costs memory.
const STACK: usize = 32 << 20;

/// Bytes of a distribution that one thread has read before others would have started: 32 KiB.
const SMALL: u64 = 32 << 10;

/// The engine. Build one and share it: it holds the compiled rules and remembers files it has seen (by content), so
/// that a wheel and its sdist are not analysed twice. What it remembers never changes what it says.
pub struct Analyser {
    limits: Limits,
    memory: Memory,
    rules: OperatorRules,
    ruleset: String,
    /// How many threads read the files of one distribution, and these, once they are needed.
    threads: usize,
    pool: OnceLock<Option<ThreadPool>>,
}

impl Analyser {
    /// An engine with an empty memory.
    pub fn new(limits: Limits) -> Self {
        Self::with_rules(limits, OperatorRules::default())
    }

    /// An engine that runs the operator's rules beside the built-in ones.
    pub fn with_rules(limits: Limits, rules: OperatorRules) -> Self {
        let ruleset = rules.ruleset(RULESET);
        Self { limits, memory: Memory::default(), rules, ruleset, threads: 1, pool: OnceLock::new() }
    }

    /// Reads the files of each distribution on this many threads beside the one that asks. One, the default, is right where
    /// many distributions are analysed at once. The report is the same.
    pub fn on_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The rules that this engine runs: [`RULESET`], followed by `+local.` and eight hexadecimal digits of the hash of
    /// the operator's rule files where there are some. Reports, certificates and lookups name it.
    pub fn ruleset(&self) -> &str {
        &self.ruleset
    }

    /// The operator's rules again.
    pub(crate) fn into_rules(self) -> OperatorRules {
        self.rules
    }

    /// What the rules say of a file, made now or remembered.
    fn outcome(&self, sha256: Sha256, reading: Reading, bytes: &[u8]) -> Arc<Outcome> {
        self.memory.outcome(sha256, reading, || Outcome::of(bytes, reading, self.limits.syntax_depth, &self.rules))
    }

    /// Adds the files that a walk over some bytes meets, read on several threads where that pays.
    fn read<T>(
        &self,
        distribution: &mut Distribution<'_>,
        bytes: u64,
        walk: impl FnOnce(&mut Ahead<'_, '_, '_>) -> T,
    ) -> T {
        let pool = if bytes < SMALL { None } else { self.pool.get_or_init(|| ahead::threads(self.threads)).as_ref() };
        match pool {
            None => walk(&mut Ahead::new(self, distribution, None)),
            Some(pool) => pool.in_place_scope(|scope| {
                let mut ahead = Ahead::new(self, distribution, Some(scope));
                let answer = walk(&mut ahead);
                ahead.distribution();
                answer
            }),
        }
    }

    /// Analyses one distribution. Never fails: what cannot be read is disclosed in the report's coverage.
    pub fn analyse(&self, input: Input<'_>) -> Analysis {
        stacker::maybe_grow(STACK / 2, STACK, || {
            let mut distribution = Distribution::new(Some(input.package), input.kind, input.filename, &self.rules);
            let walk = self.read(&mut distribution, input.digests.size, |ahead| {
                archive::walk(input.filename, input.bytes, &self.limits, &mut |member| ahead.add(&File::of(&member)))
            });
            distribution.add_walk(walk);
            let again = distribution.wanted_again();
            if !again.is_empty() {
                // What it tells was told the first time; two walks over the same bytes see the same.
                archive::walk_for(&again, input.filename, input.bytes, &self.limits, &mut |member| {
                    if again.contains(member.path) {
                        distribution.add_again(member.path, member.content.bytes(), &self.limits);
                    }
                });
            }
            distribution.finish(input.digests)
        })
    }

    /// Analyses a source tree, whose files `each` hands over one at a time, so that memory does not grow with it. It is
    /// called a second time when some have to be read again. With the path of an `entry` point inside the tree, every
    /// finding in a program says whether that reaches it ([`sigma_core::Finding::reached`]).
    pub fn analyse_tree(
        &self,
        kind: DistributionKind,
        filename: &str,
        digests: Digests,
        entry: Option<&str>,
        each: &mut dyn FnMut(&mut Tell<'_>),
    ) -> Analysis {
        stacker::maybe_grow(STACK / 2, STACK, || {
            let mut distribution = Distribution::new(None, kind, filename, &self.rules);
            distribution.entry = entry;
            self.read(&mut distribution, u64::MAX, |ahead| {
                let mut left = self.limits;
                each(&mut |loose| match loose {
                    Loose::File { path, size, sha256, bytes } => {
                        let file = File { path, size, sha256, bytes, whole: bytes.len() as u64 == size };
                        ahead.add(&file);
                        if file.whole && archive::is_archive(bytes) {
                            let walk = archive::walk_inside(path, bytes, &mut left, &mut |path, member| {
                                ahead.add(&File { path, ..File::of(&member) });
                            });
                            ahead.distribution().add_walk(walk);
                        }
                    }
                    Loose::Skipped(skipped) => ahead.distribution().skip(skipped.path, skipped.reason, skipped.detail),
                });
            });
            let again = distribution.wanted_again();
            if !again.is_empty() {
                let mut left = self.limits;
                each(&mut |loose| {
                    let Loose::File { path, size, bytes, .. } = loose else { return };
                    if again.contains(path) {
                        distribution.add_again(path, bytes, &self.limits);
                    }
                    if bytes.len() as u64 == size && archive::is_archive(bytes) {
                        archive::walk_inside(path, bytes, &mut left, &mut |path, member| {
                            if again.contains(path) {
                                distribution.add_again(path, member.content.bytes(), &self.limits);
                            }
                        });
                    }
                });
            }
            distribution.finish(digests)
        })
    }

    /// The limits of this engine.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Analyses files that lie in memory, paths as they would stand in an archive of this kind.
    pub fn analyse_files(
        &self,
        package: Option<&PackageId>,
        kind: DistributionKind,
        filename: &str,
        digests: Digests,
        files: &[(&str, &[u8])],
    ) -> Analysis {
        stacker::maybe_grow(STACK / 2, STACK, || {
            let package = package.map(Named::Published);
            let mut distribution = Distribution::new(package, kind, filename, &self.rules);
            for (path, bytes) in files {
                let whole = bytes.len() as u64 <= self.limits.file_bytes;
                let size = bytes.len() as u64;
                let file = File { path, size, sha256: Sha256::of(bytes), bytes, whole };
                distribution.add(&file, &self.limits, |reading| self.outcome(file.sha256, reading, bytes));
            }
            let again = distribution.wanted_again();
            for (path, bytes) in files.iter().filter(|(path, _)| again.contains(*path)) {
                distribution.add_again(path, bytes, &self.limits);
            }
            distribution.finish(digests)
        })
    }
}

#[cfg(test)]
mod tests;
