//! `sigma explain`: one rule in full.

use anyhow::{Result, bail};
use sigma_analysis::RuleEntry;

use crate::args::{Args, Explain};
use crate::{Outcome, render};

/// Runs the command. An unknown rule is a usage error that names the nearest one.
pub fn run(args: &Args, command: &Explain) -> Result<Outcome> {
    let entries = super::rules::all(args)?;
    if let Some(finding) = sigma_council::ORIGIN_FINDINGS.iter().find(|finding| finding.code == command.rule) {
        super::print(&render::rules::explain_origin(finding, command.format))?;
        return Ok(Outcome::Pass);
    }
    let Some(entry) = entries.iter().find(|entry| entry.id == command.rule) else {
        let asked = sigma_core::printable(&command.rule, 80);
        match nearest(&asked, &entries) {
            Some(near) => bail!("there is no rule {asked}; did you mean {near}? `sigma rules` lists them all"),
            None => bail!("there is no rule {asked}; `sigma rules` lists them all"),
        }
    };
    super::print(&render::rules::explain(entry, command.format)?)?;
    Ok(Outcome::Pass)
}

/// The id that takes the fewest changes, if these are few.
fn nearest<'e>(asked: &str, entries: &'e [RuleEntry]) -> Option<&'e str> {
    let asked = asked.to_ascii_lowercase().replace('_', "-");
    let ranked = entries.iter().map(|entry| (distance(&asked, &entry.id), entry.id.as_str())).min()?;
    let inside = entries.iter().map(|entry| entry.id.as_str()).find(|id| asked.len() > 3 && id.contains(&asked));
    if ranked.0 <= asked.len().max(6) / 3 { Some(ranked.1) } else { inside }
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}
