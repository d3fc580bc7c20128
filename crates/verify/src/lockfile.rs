//! A lockfile: what it pins, against certificates.

use rayon::prelude::*;
use sigma_core::Depth;

use crate::prove::{Candidate, Prover};
use crate::report::{Outcome, PackageResult, Section, SectionKind};
use crate::wanted::Wanted;

/// Judges everything that a lockfile pins, by the bundles that may be about each. `refused` is what it declares that no
/// certificate can be about, with the reason: as in an audit, that fails.
pub fn lockfile(
    prover: &Prover,
    path: String,
    wanted: &[Wanted],
    candidates: &[Vec<Candidate>],
    refused: Vec<(String, String)>,
    problems: Vec<String>,
) -> Section {
    let judged = wanted.par_iter().zip(candidates).map(|(wanted, candidates)| {
        let mut result = prover.judge(wanted, candidates);
        if wanted.strong().next().is_none() && result.outcome < Outcome::Undecided {
            result.outcome = Outcome::Undecided;
            result.reason.push_str(", but nothing pins which bytes are installed");
        }
        if wanted.depth == Some(Depth::Beyond) && result.certificate.is_none() && result.outcome == Outcome::Undecided {
            // A disclosed bound of what is audited, and no gap.
            result.outcome = Outcome::Advisory;
            result.reason.push_str("; it lies deeper than is audited");
        }
        prover.settle(wanted, result)
    });
    let mut results: Vec<PackageResult> = judged.collect();
    results.extend(refused.into_iter().map(|(subject, reason)| PackageResult {
        package: None,
        subject,
        depth: None,
        outcome: Outcome::Failed,
        reason,
        certificate: None,
        pinned: 0,
        covered: 0,
        files: None,
        checks: Vec::new(),
        anchor: None,
    }));
    Section::new(SectionKind::Lockfile, path, results, problems)
}

/// Judges one file.
pub fn file(prover: &Prover, path: String, wanted: &Wanted, candidates: &[Candidate]) -> Section {
    Section::new(SectionKind::File, path, vec![prover.judge(wanted, candidates)], Vec::new())
}
