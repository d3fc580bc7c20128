//! `sigma rules`: what the static analysis looks for.

use anyhow::Result;
use sigma_analysis::{RULESET, RuleEntry, catalogue};

use crate::args::{Args, Format, Rules};
use crate::{Outcome, render, wire};

/// Runs the command.
pub fn run(args: &Args, command: &Rules) -> Result<Outcome> {
    if command.versions {
        // One release runs one version: the engine and its rules are one program.
        let ruleset = wire::rules(&wire::config(args)?)?.ruleset(RULESET);
        super::print(&match command.format {
            Format::Json => format!("{}\n", serde_json::json!({ "versions": [ruleset] })),
            Format::Table | Format::Markdown => format!("{ruleset}\n"),
        })?;
        return Ok(Outcome::Pass);
    }
    super::print(&render::rules::list(&all(args)?, command.format)?)?;
    Ok(Outcome::Pass)
}

/// Every rule: the built-in ones, then the operator's.
pub fn all(args: &Args) -> Result<Vec<RuleEntry>> {
    let mut entries = catalogue();
    entries.extend(wire::rules(&wire::config(args)?)?.entries().iter().cloned());
    Ok(entries)
}
