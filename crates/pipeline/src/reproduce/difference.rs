//! Two reports, and what is different between them, rule by rule.
//!
//! Reports are compared as JSON: one that was sealed by another release may have fields that today's types do not know.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sigma_core::{FileSet, Sha256, printable};

/// Places that are named of a kind.
const SHOWN: usize = 5;
/// How deep values are compared by their parts.
const DEPTH: usize = 6;

/// What differs between a sealed report and today's, in sentences.
pub(super) fn differences(sealed: &[u8], here: &[u8]) -> Vec<String> {
    let (sealed, here): (Value, Value) = match (serde_json::from_slice(sealed), serde_json::from_slice(here)) {
        (Ok(sealed), Ok(here)) => (sealed, here),
        _ => return vec!["one of the reports is no JSON".to_owned()],
    };
    let mut lines = Vec::new();
    let (there, today) = (distributions(&sealed), distributions(&here));
    let names: BTreeSet<&str> = there.keys().chain(today.keys()).copied().collect();
    for name in names {
        let shown = printable(name, 120);
        match (there.get(name), today.get(name)) {
            (Some(sealed), Some(here)) => {
                findings(&shown, sealed, here, &mut lines);
                values(&shown, sealed, here, &["findings", "rule_hits"], DEPTH, &mut lines);
            }
            (Some(_), None) => lines.push(format!("{shown}: only in the sealed report")),
            (None, Some(_)) => lines.push(format!("{shown}: only in today's report")),
            (None, None) => {}
        }
    }
    values("", &sealed, &here, &["distributions", "report"], DEPTH, &mut lines);
    lines
}

/// The reports of distributions by file name; that of a submission has one for all of its files.
fn distributions(report: &Value) -> BTreeMap<&str, &Value> {
    let many = report.get("distributions").and_then(Value::as_array).into_iter().flatten();
    let all = many.chain(report.get("report"));
    all.map(|one| (one.get("filename").and_then(Value::as_str).unwrap_or("the files"), one)).collect()
}

/// Findings that only one of them has, and those that both have and rate otherwise.
fn findings(name: &str, sealed: &Value, here: &Value, lines: &mut Vec<String>) {
    let (sealed_rules, here_rules) = (by_rule(sealed), by_rule(here));
    let rules: BTreeSet<&str> = sealed_rules.keys().chain(here_rules.keys()).copied().collect();
    let none = BTreeSet::new();
    for rule in rules {
        let there = sealed_rules.get(rule).unwrap_or(&none);
        let today = here_rules.get(rule).unwrap_or(&none);
        for (only, whose) in
            [(there.difference(today), "only in the sealed report"), (today.difference(there), "only today")]
        {
            let places: Vec<&String> = only.collect();
            if !places.is_empty() {
                let mut shown: Vec<&str> = places.iter().take(SHOWN).map(|place| place.as_str()).collect();
                let more = format!("{} more", places.len().saturating_sub(SHOWN));
                if places.len() > SHOWN {
                    shown.push(&more);
                }
                lines.push(format!("{name}: {}: {whose}: {}", printable(rule, 80), shown.join(", ")));
            }
        }
    }
    let hits = |report: &Value| -> BTreeMap<String, u64> {
        let hits = report.get("rule_hits").and_then(Value::as_object).into_iter().flatten();
        hits.filter_map(|(rule, count)| Some((rule.clone(), count.as_u64()?))).collect()
    };
    let (there, today) = (hits(sealed), hits(here));
    for rule in there.keys().chain(today.keys()).collect::<BTreeSet<_>>() {
        let (was, is) = (there.get(rule).copied().unwrap_or(0), today.get(rule).copied().unwrap_or(0));
        if was != is {
            lines.push(format!("{name}: {}: {was} hits in the sealed report, {is} today", printable(rule, 80)));
        }
    }
}

fn by_rule(report: &Value) -> BTreeMap<&str, BTreeSet<String>> {
    let mut rules: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for finding in report.get("findings").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| printable(finding.get(key).and_then(Value::as_str).unwrap_or_default(), 120);
        let line = finding.get("line").and_then(Value::as_u64).unwrap_or_default();
        let place = format!("{} {}:{line} ({})", text("severity"), text("file"), text("reach"));
        rules.entry(finding.get("rule").and_then(Value::as_str).unwrap_or_default()).or_default().insert(place);
    }
    rules
}

/// Everything else that differs, by its path.
fn values(path: &str, sealed: &Value, here: &Value, skip: &[&str], depth: usize, lines: &mut Vec<String>) {
    if sealed == here {
        return;
    }
    match (sealed, here) {
        (Value::Object(there), Value::Object(today)) if depth > 0 => {
            for key in there.keys().chain(today.keys()).collect::<BTreeSet<_>>() {
                if !skip.contains(&key.as_str()) {
                    let path =
                        if path.is_empty() { printable(key, 80) } else { format!("{path}: {}", printable(key, 80)) };
                    let (there, today) =
                        (there.get(key).unwrap_or(&Value::Null), today.get(key).unwrap_or(&Value::Null));
                    values(&path, there, today, &[], depth - 1, lines);
                }
            }
        }
        (Value::Array(there), Value::Array(today)) => {
            let texts = |list: &[Value]| -> BTreeSet<String> { list.iter().map(short).collect() };
            let (there, today) = (texts(there), texts(today));
            let only = |set: std::collections::btree_set::Difference<'_, String>| {
                set.take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
            };
            let (gone, new) = (only(there.difference(&today)), only(today.difference(&there)));
            match (gone.is_empty(), new.is_empty()) {
                (true, true) => lines.push(format!("{path}: in another order")),
                (false, true) => lines.push(format!("{path}: only in the sealed report: {gone}")),
                (true, false) => lines.push(format!("{path}: only today: {new}")),
                (false, false) => lines.push(format!("{path}: {gone} in the sealed report, {new} today")),
            }
        }
        (there, today) => lines.push(format!("{path}: {} in the sealed report, {} today", short(there), short(today))),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => printable(text, 120),
        other => printable(&other.to_string(), 120),
    }
}

/// The files that are not the certified ones.
pub(super) fn files_between(certified: BTreeMap<&str, Sha256>, here: &FileSet) -> String {
    let today: BTreeMap<&str, Sha256> = here.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
    let names: BTreeSet<&str> = certified.keys().chain(today.keys()).copied().collect();
    let different: Vec<String> = names
        .into_iter()
        .filter(|name| certified.get(name) != today.get(name))
        .map(|name| printable(name, 120))
        .collect();
    let shown: Vec<&str> = different.iter().take(SHOWN).map(String::as_str).collect();
    format!("{} of its files are not the certified ones: {}", different.len(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_told_apart_rule_by_rule() {
        let report = |line: u64, files: u64, hosts: &[&str]| {
            serde_json::json!({"ruleset": "1", "distributions": [{
                "filename": "demo.whl",
                "findings": [{"rule": "network-client", "severity": "INFO", "file": "a.py", "line": line, "reach": "IMPORT"}],
                "rule_hits": {"network-client": line}, "coverage": {"files": files}, "hosts": hosts,
            }]})
        };
        let lines = |a: &Value, b: &Value| differences(a.to_string().as_bytes(), b.to_string().as_bytes());
        let one = report(1, 2, &["a.example"]);
        assert!(lines(&one, &one).is_empty());
        assert_eq!(
            lines(&one, &report(3, 4, &["b.example"])),
            [
                "demo.whl: network-client: only in the sealed report: INFO a.py:1 (IMPORT)",
                "demo.whl: network-client: only today: INFO a.py:3 (IMPORT)",
                "demo.whl: network-client: 1 hits in the sealed report, 3 today",
                "demo.whl: coverage: files: 2 in the sealed report, 4 today",
                "demo.whl: hosts: a.example in the sealed report, b.example today",
            ]
        );
    }
}
