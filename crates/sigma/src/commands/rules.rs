//! `sigma rules`: what the static analysis looks for.

use anyhow::Result;
use sigma_analysis::{RuleEntry, catalogue};

use crate::args::{Args, Rules};
use crate::{Outcome, render, wire};

/// Runs the command.
pub fn run(args: &Args, command: &Rules) -> Result<Outcome> {
    super::print(&render::rules::list(&all(args)?, command.format)?)?;
    Ok(Outcome::Pass)
}

/// Every rule: the built-in ones, then the operator's.
pub fn all(args: &Args) -> Result<Vec<RuleEntry>> {
    let mut entries = catalogue();
    entries.extend(wire::rules(&wire::config(args)?)?.entries().iter().cloned());
    Ok(entries)
}
