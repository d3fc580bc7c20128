//! Hostile bytes in, a report out.
//!
//! In: the bytes of one distribution (or the files of a submission). Out: [`sigma_core::FileSet`] and
//! [`sigma_core::DistributionReport`]. Synchronous and pure: no network, no clock, no environment, no processes, nothing
//! written to disk. The same bytes and the same ruleset always give the same report.

mod archive;
mod facts;
mod language;
mod limits;
mod parsers;

pub use limits::Limits;

use std::io::{Read, Seek};

use sigma_core::{Digests, DistributionKind, DistributionReport, FileSet, PackageId};

/// Bytes that can be read from any position, such as an open file.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// One distribution to analyse. Its digests were verified by the caller.
pub struct Input<'a> {
    /// The package it claims to be.
    pub package: &'a PackageId,
    /// The distribution's file name; decides the archive format together with the first bytes.
    pub filename: &'a str,
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// Digests of its bytes.
    pub digests: Digests,
    /// The bytes.
    pub bytes: &'a mut dyn Source,
}

/// What analysis yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The report.
    pub report: DistributionReport,
    /// The files inside, for the file-set hash.
    pub files: FileSet,
}

/// The version of the rules. It changes whenever the same bytes could give another report.
pub const RULESET: &str = "2026.11.1";

/// The engine. Build one and share it: it holds the compiled rules and remembers files it has seen (by content), so
/// that a wheel and its sdist are not analysed twice. What it remembers never changes what it says.
pub struct Analyser {
    limits: Limits,
}

impl Analyser {
    /// Compiles the rules.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Analyses one distribution. Never fails: what cannot be read is disclosed in the report's coverage.
    pub fn analyse(&self, input: Input<'_>) -> Analysis {
        let _ = (input, &self.limits);
        todo!()
    }
}
