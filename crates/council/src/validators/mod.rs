//! The seats of the council. To add one: a file here, and a line in [`PANEL`].

mod adversary;
mod behaviour;
mod concealment;
mod coverage;
mod identity;

use crate::Validator;

/// Every seat. The first panel looks at what the code does, what it hides and who it claims to be; the second panel
/// starts anew, assumes an attacker, and asks what could not be seen.
pub const PANEL: &[&dyn Validator] = &[
    &behaviour::Behaviour,
    &concealment::Concealment,
    &identity::Identity,
    &adversary::Adversary,
    &coverage::Coverage,
];
