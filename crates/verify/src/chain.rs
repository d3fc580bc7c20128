//! What a node of a chain said about the certificates that answer: the node is asked elsewhere, there is no network here.

use serde::Serialize;
use sigma_ledger::{AnchorAnswer, AnchorClaim, Name, State};

use crate::report::{Outcome, PackageResult, Section};

/// What a node was asked, and said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainFacts {
    /// The pinned contract, `0x` and 40 hexadecimal digits; `null` where none was.
    pub contract: Option<String>,
    /// Certificates that answer for something.
    pub certificates: u64,
    /// ... that are on the chain: their own hash, or a root that covers them.
    pub there: u64,
    /// ... of which the contract has nothing, something else, or a revocation.
    pub missing: u64,
    /// ... of which it is not known.
    pub unknown: u64,
}

/// Results that rest on a certificate.
fn resting(sections: &mut [Section]) -> impl Iterator<Item = &mut PackageResult> {
    let packages = sections.iter_mut().flat_map(|section| section.packages.iter_mut());
    packages.filter(|one| one.certificate.is_some() && one.outcome < Outcome::Undecided)
}

/// What has to be on a chain for each certificate that something rests on, in order; nothing where its bundle names nothing.
pub fn claims(sections: &mut [Section]) -> Vec<Option<AnchorClaim>> {
    resting(sections).map(|one| one.anchor.clone()).collect()
}

/// Notes what was answered to [`claims`], in their order: what is not there fails, what nobody knows decides nothing.
pub fn settle(sections: &mut [Section], contract: Option<String>, answers: Vec<AnchorAnswer>) -> ChainFacts {
    let mut facts = ChainFacts { contract, certificates: 0, there: 0, missing: 0, unknown: 0 };
    for (one, answer) in resting(sections).zip(answers) {
        facts.certificates += 1;
        let (count, state, detail) = match answer {
            AnchorAnswer::There(detail) => (&mut facts.there, State::Proven, detail),
            AnchorAnswer::Missing(detail) => (&mut facts.missing, State::Failed, detail),
            AnchorAnswer::Unknown(detail) => (&mut facts.unknown, State::NotProven, detail),
        };
        *count += 1;
        // What decides nothing because it is deep still decides nothing, unless the chain speaks against it.
        let outcome = match (state, one.outcome) {
            (State::Proven, before) | (State::NotProven, before @ Outcome::Advisory) => before,
            (State::NotProven, _) => Outcome::Undecided,
            (State::Failed, _) => Outcome::Failed,
        };
        if state != State::Proven {
            one.reason.push_str(&format!("; on the chain: {detail}"));
        }
        one.outcome = outcome;
        for check in one.checks.iter_mut().filter(|check| check.check == Name::Anchor) {
            (check.state, check.detail) = (state, detail.clone());
        }
    }
    for section in sections {
        let heaviest = section.packages.iter().map(|one| one.outcome).max();
        section.outcome = section.outcome.max(heaviest.unwrap_or(section.outcome));
    }
    facts
}
