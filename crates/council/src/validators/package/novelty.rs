//! First panel: does the release keep what its version promises?

use sigma_core::{Delta, Dossier, Phase, Reason, SecurityLevel};

use crate::Validator;
use crate::origin::{changed, stranger};
use crate::strands::{Kind, Promise, Strands, bounded, promise};

/// Judges how much is new since the last certified version, against the step that the version takes.
///
/// | weight of what is new | patch | minor, other | major |
/// | --- | --- | --- | --- |
/// | 1 | MONITORED | MONITORED | CLEAR |
/// | 2 | CAUTION | MONITORED; CAUTION for secrets beside a connection | MONITORED |
/// | 3 and more, some of it unasked | BLOCKED | CAUTION where it reaches out | CAUTION where it reaches out |
///
/// A publisher who is another one than the last whose attestations verified, or is no longer attested, is news too
/// (`origin.rs`). To reach out is to hide, to open connections or to read credentials. New hosts alone are news of a patch release only. Abstains when no earlier version is certified: that nothing is
/// known to be new is not that nothing is.
pub struct Novelty;

impl Validator<Dossier> for Novelty {
    fn id(&self) -> &'static str {
        "novelty"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let delta = dossier.delta.as_ref()?;
        let stranger = stranger(dossier);
        // That a publisher is another one is no part of the weight: what a major step allows is asked of the step alone.
        let mut reasons: Vec<Reason> = changed(dossier, promise(delta, false)).into_iter().collect();
        for distribution in &delta.distributions {
            let strands = Strands::of(distribution);
            let level = bounded(delta, level_of(&strands, promise(delta, stranger), stranger));
            if level > SecurityLevel::Clear {
                let message = format!("{}: {}", since(delta), strands.sentence());
                reasons.push(new_reason(level, "new-in-this-release", message, distribution, strands.location));
            }
        }
        Some(reasons)
    }
}

fn level_of(strands: &Strands, promise: Promise, stranger: bool) -> SecurityLevel {
    let count = strands.weight();
    if count == 0 || promise != Promise::Narrow && strands.hosts_only && strands.is_only(Kind::Network) {
        return SecurityLevel::Clear;
    }
    // Who never published before and brings something new is one more reason to look.
    let count = count + usize::from(stranger);
    let secrets = strands.any(&[Kind::Credentials, Kind::Environment]) && strands.has(Kind::Network);
    match (promise, count) {
        (Promise::Narrow, 3..) if strands.unasked => SecurityLevel::Blocked,
        (Promise::Narrow, 2..) => SecurityLevel::Caution,
        (Promise::Open, 2..) if secrets && !strands.hosts_only => SecurityLevel::Caution,
        (Promise::Open | Promise::None, 3..) if strands.unasked && strands.reaches_out() => SecurityLevel::Caution,
        (Promise::None, 1) => SecurityLevel::Clear,
        _ => SecurityLevel::Monitored,
    }
}

/// `new since 1.2.3, a patch release`, with the newcomer.
pub(super) fn since(delta: &Delta) -> String {
    let who = match delta.newcomer() {
        Some(who) => format!(", published by a newcomer ({})", sigma_core::printable(who, 60)),
        None => String::new(),
    };
    format!("new since {} ({} step{who})", delta.previous, delta.step)
}

pub(super) fn new_reason(
    level: SecurityLevel,
    code: &str,
    message: String,
    distribution: &sigma_core::DistributionDelta,
    location: Option<String>,
) -> Reason {
    let distribution = Some(distribution.filename.clone());
    Reason { level, code: code.to_owned(), message, distribution, location, evidence: None }
}
