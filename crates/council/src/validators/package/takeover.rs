//! Second panel: assume that somebody stole the account. Is what is new the attack?

use sigma_core::{Dossier, Phase, Reason, SecurityLevel};

use super::novelty::{new_reason, since};
use crate::Validator;
use crate::origin::stranger;
use crate::strands::{Kind, Promise, Strands, bounded, promise};

/// Looks for the stories of known takeovers in what is new since the last certified version. A story needs a payload, and
/// something that starts it; the payload has to be new, because what a package always did is no attack on its users.
///
/// Under a narrow promise (a patch release, or a stranger's minor release) a whole story is BLOCKED and half of one is
/// CAUTION; otherwise a whole one that reaches out is CAUTION. Abstains when no earlier version is certified.
pub struct Takeover;

/// A way in which hijacked releases have harmed.
struct Story {
    code: &'static str,
    says: &'static str,
    whole: fn(&Strands) -> bool,
    half: fn(&Strands) -> bool,
}

/// What a payload is made of.
const PAYLOAD: [Kind; 8] = [
    Kind::Grave,
    Kind::Process,
    Kind::Network,
    Kind::Credentials,
    Kind::Dynamic,
    Kind::Native,
    Kind::Loads,
    Kind::Files,
];

const STORIES: [Story; 5] = [
    Story {
        code: "takeover-install-payload",
        says: "the release brings code that runs at installation, and what that code would need",
        whole: |new| {
            new.has(Kind::Hook)
                && (new.has(Kind::Hidden) || PAYLOAD.iter().filter(|kind| new.has(**kind)).count() >= 2 || carries(new))
        },
        half: |new| new.has(Kind::Hook) && new.any(&PAYLOAD),
    },
    Story {
        code: "takeover-hidden-payload",
        says: "the release brings code that hides what it is, and that acts",
        whole: |new| new.has(Kind::Hidden) && (new.any(&PAYLOAD) || new.has(Kind::Environment)),
        half: |new| new.has(Kind::Hidden),
    },
    Story {
        code: "takeover-secrets-leave",
        says: "the release begins to read secrets and to open connections",
        whole: |new| carries(new) && new.unasked && new.weight() >= 3,
        half: carries,
    },
    Story {
        code: "takeover-fetch-and-run",
        says: "the release begins to open connections and to run what is not in it",
        whole: |new| fetches(new) && new.unasked && new.weight() >= 3,
        half: fetches,
    },
    Story {
        code: "takeover-native-payload",
        says: "the release brings its first compiled code, and a call that loads it",
        whole: |new| loads(new) && new.unasked && new.weight() >= 3,
        half: loads,
    },
];

fn loads(new: &Strands) -> bool {
    new.has(Kind::Native) && new.has(Kind::Loads)
}

fn carries(new: &Strands) -> bool {
    new.has(Kind::Network) && new.any(&[Kind::Credentials, Kind::Environment])
}

fn fetches(new: &Strands) -> bool {
    new.has(Kind::Network) && new.any(&[Kind::Process, Kind::Dynamic, Kind::Native, Kind::Loads])
}

impl Validator<Dossier> for Takeover {
    fn id(&self) -> &'static str {
        "takeover"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let delta = dossier.delta.as_ref()?;
        let promise = promise(delta, stranger(dossier));
        let mut reasons = Vec::new();
        for distribution in &delta.distributions {
            let strands = Strands::of(distribution);
            for story in &STORIES {
                let level = match (promise, (story.whole)(&strands), (story.half)(&strands)) {
                    (Promise::Narrow, true, _) => SecurityLevel::Blocked,
                    (Promise::Narrow, _, true) => SecurityLevel::Caution,
                    (_, true, _) if strands.reaches_out() => SecurityLevel::Caution,
                    (Promise::Open, _, true) | (_, true, _) => SecurityLevel::Monitored,
                    _ => continue,
                };
                let message = format!("{}: {}: {}", since(delta), story.says, strands.sentence());
                let location = strands.location.clone();
                reasons.push(new_reason(bounded(delta, level), story.code, message, distribution, location));
            }
        }
        Some(reasons)
    }
}
