//! The seats that judge packages. To add one: a file here, and a line in [`PANEL`].

mod adversary;
mod behaviour;
mod concealment;
mod coverage;
mod entry_points;
mod identity;
mod novelty;
mod takeover;

use sigma_core::Dossier;

use crate::Validator;

/// Every seat. The first panel looks at what the code does, what it hides and who it claims to be; the second panel
/// starts anew, assumes an attacker, and asks what could not be seen.
pub const PANEL: &[&dyn Validator<Dossier>] = &[
    &behaviour::Behaviour,
    &concealment::Concealment,
    &identity::Identity,
    &novelty::Novelty,
    &adversary::Adversary,
    &coverage::Coverage,
    &takeover::Takeover,
];

/// The seats that judge only what is new.
pub const OF_DELTAS: [&str; 2] = ["novelty", "takeover"];
