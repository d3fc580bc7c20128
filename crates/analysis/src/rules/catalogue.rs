//! The rules as people read them: in, the table; out, one entry for each, with the severities it may give.

use sigma_core::{Capability, Category, Severity};

use super::RULES;

/// A rule, described for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleEntry {
    /// Its id.
    pub id: String,
    /// What its findings are about.
    pub category: Category,
    /// The capability that a finding proves.
    pub capability: Option<Capability>,
    /// The severities its findings may have, mildest first.
    pub severities: Vec<Severity>,
    /// What a finding means, in a sentence.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// What innocent code it may also see.
    pub false_positives: String,
    /// A short piece of code that it reports.
    pub example: String,
    /// The operator's file that it comes from; nothing for a built-in rule.
    pub origin: Option<String>,
}

/// Every built-in rule, by category and id.
pub fn catalogue() -> Vec<RuleEntry> {
    let mut entries: Vec<RuleEntry> = RULES
        .iter()
        .map(|rule| {
            let mut severities = severities(rule.id);
            severities.push(rule.severity);
            severities.sort_unstable();
            severities.dedup();
            RuleEntry {
                id: rule.id.to_owned(),
                category: rule.category,
                capability: rule.capability,
                severities,
                message: rule.message.to_owned(),
                why: rule.why.to_owned(),
                false_positives: rule.false_positives.to_owned(),
                example: rule.example.to_owned(),
                origin: None,
            }
        })
        .collect();
    entries.sort_by(|a, b| (a.category, &a.id).cmp(&(b.category, &b.id)));
    entries
}

/// The severities that `severities.txt` names for a rule beside its own.
pub(super) fn severities(id: &str) -> Vec<Severity> {
    let line = include_str!("severities.txt").lines().find(|line| line.split_whitespace().next() == Some(id));
    line.into_iter().flat_map(|line| line.split_whitespace().skip(1)).filter_map(severity).collect()
}

/// The severity of a word.
pub(crate) fn severity(word: &str) -> Option<Severity> {
    match word {
        "info" => Some(Severity::Info),
        "low" => Some(Severity::Low),
        "medium" => Some(Severity::Medium),
        "high" => Some(Severity::High),
        "critical" => Some(Severity::Critical),
        _ => None,
    }
}
