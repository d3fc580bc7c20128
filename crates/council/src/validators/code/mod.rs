//! The seats that judge submissions of code. To add one: a file here, and a line in [`PANEL`].
//!
//! What each seat asks for; a finding's own level is [`crate::level_of`], weighed by [`finding::weigh`].
//!
//! | seat | asks for | where |
//! | --- | --- | --- |
//! | behaviour (1) | the finding's level | processes, network, credentials, files, run-time code, installation |
//! | | BLOCKED | serious signals of two kinds in one file that the entry point reaches |
//! | concealment (1) | the finding's level | obfuscation, odd archives, disguised binaries |
//! | injection (1) | BLOCKED | text that steers a model, CRITICAL |
//! | | CAUTION | HIGH, or MEDIUM in SKILL.md; a developer's note that instructs its reviewer |
//! | manifest (1) | CAUTION | hosts, or grave capabilities, beside those that SKILL.md declares |
//! | | MONITORED | the same where SKILL.md declares none at all; what is declared and unused; problems of SKILL.md; tools without limits; claims of trust |
//! | secrets (1) | the finding's level | secrets that stand in the files |
//! | execution (1) | BLOCKED | a risk flag CRITICAL; a mock secret that got out without a flag |
//! | | CAUTION | a risk flag HIGH; a host that neither SKILL.md nor the source names, where SKILL.md declares calls |
//! | | MONITORED | not run, run failed, little or nothing exercised, risk flag MEDIUM, unnamed hosts |
//! | packages (1) | BLOCKED | a direct or L1 package is BLOCKED |
//! | | CAUTION | a deeper one is; a direct or L1 package at CAUTION; a direct one without certificate |
//! | | MONITORED | deeper ones at CAUTION or without certificate; packages beyond the cap |
//! | endpoints (1) | CAUTION | an address in a private network; a credential over plain HTTP |
//! | | MONITORED | not probed, no answer, failing, redirected, plain HTTP |
//! | adversary (2) | BLOCKED | a CRITICAL finding with a trigger, or in code that nothing is seen to reach; signals that combine; a leaked mock secret; a risk flag CRITICAL; a blocked direct or L1 package |
//! | | BLOCKED, which escalates | text in SKILL.md that steers a model, HIGH; any such text together with a manifest that does not match, or with a run that does harm |
//! | contradiction (2) | CAUTION | code that looks for a sandbox and ran quietly; a run that does what the source cannot |
//! | | MONITORED | abilities that the entry point reaches and the run never showed |
//! | coverage (2) | MONITORED | native code, gaps, unparsed source, undeclared imports, dependencies outside the review, no entry point |
//!
//! Where only one panel asks for BLOCKED, the round escalates to an operator.

mod adversary;
mod behaviour;
mod concealment;
mod contradiction;
mod coverage;
mod endpoints;
mod execution;
mod finding;
mod injection;
mod manifest;
mod packages;
mod secrets;
#[cfg(test)]
pub(crate) mod tests;

use sigma_core::CodeDossier;

pub(super) use execution::{destinations, harm};

use crate::Validator;

/// Every seat. The first panel takes the dossier part by part; the second starts anew, assumes an attacker, and asks what
/// the parts mean together and what could not be seen.
pub const PANEL: &[&dyn Validator<CodeDossier>] = &[
    &behaviour::Behaviour,
    &concealment::Concealment,
    &endpoints::Endpoints,
    &execution::Execution,
    &injection::Injection,
    &manifest::Manifest,
    &packages::Packages,
    &secrets::Secrets,
    &adversary::Adversary,
    &contradiction::Contradiction,
    &coverage::Coverage,
];

/// The first few of a list of texts, and how many more there are.
pub(super) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut texts = texts.into_iter();
    let shown: Vec<String> = texts.by_ref().take(5).map(|text| sigma_core::printable(text.as_ref(), 80)).collect();
    match texts.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
