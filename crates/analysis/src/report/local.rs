//! The operator's rules in a report: what they say of files that are not text, and findings from their hits.

use std::collections::BTreeMap;

use sigma_core::{Finding, Reach, SkipReason};

use super::entry::Reached;
use super::finish::keep_strongest;
use super::{Distribution, File, reach};
use crate::operator::{Local, OperatorRules};

/// The operator's rules, and what they said so far of files that have no outcome.
pub(super) struct Locals<'a> {
    pub rules: &'a OperatorRules,
    files: Vec<(String, String, Local)>,
}

impl<'a> Locals<'a> {
    /// Nothing said yet.
    pub fn new(rules: &'a OperatorRules) -> Self {
        Self { rules, files: Vec::new() }
    }
}

impl Distribution<'_> {
    /// Scans a file that is native, not text, or too large to be read whole. Of the last only the beginning is seen, as
    /// the coverage says.
    pub(super) fn scan_bytes(&mut self, file: &File<'_>, path: &str, inner: &str) {
        if !self.local.rules.wants_bytes() {
            return;
        }
        let mut local = Local::default();
        self.local.rules.scan(file.bytes, None, &mut local);
        let unread = match (&local.unread, file.whole) {
            (Some(unread), _) => Some(unread.clone()),
            (None, false) => {
                let (seen, size) = (file.bytes.len(), file.size);
                Some(format!("the operator's YARA rules saw the first {seen} of {size} bytes"))
            }
            (None, true) => None,
        };
        if let Some(unread) = unread {
            self.skip(path.to_owned(), SkipReason::OverBudget, unread);
        }
        if !local.hits.is_empty() {
            self.local.files.push((path.to_owned(), inner.to_owned(), local));
        }
    }

    /// The findings of the operator's rules, and how many there were of each before the limit of a report.
    pub(super) fn local_findings(&self, entered: Option<&Reached>) -> (Vec<Finding>, BTreeMap<String, u64>) {
        let rules = self.local.rules;
        let text = self.files.iter().enumerate().flat_map(|(index, file)| {
            let placed = file.outcome.local.hits.iter();
            placed.filter_map(move |hit| {
                let reach = file.reach_of(hit.when, hit.function);
                let reached = entered.and_then(|entered| entered.holds(index, file, hit.when, hit.function));
                let finding = rules.finding(hit, self.kind, &file.path, &file.inner, reach)?;
                Some(Finding { reached, ..finding })
            })
        });
        let bytes = self.local.files.iter().flat_map(|(path, inner, local)| {
            let reach = if reach::is_test(inner) { Reach::Test } else { Reach::Import };
            local.hits.iter().filter_map(move |hit| rules.finding(hit, self.kind, path, inner, reach))
        });
        let mut by_rule: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
        for finding in text.chain(bytes) {
            by_rule.entry(finding.rule.clone()).or_default().push(finding);
        }
        let totals = by_rule.iter().map(|(rule, findings)| (rule.clone(), findings.len() as u64)).collect();
        by_rule.values_mut().for_each(keep_strongest);
        (by_rule.into_values().flatten().collect(), totals)
    }
}
