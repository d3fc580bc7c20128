//! What changed between two runs: the first thing to read after a change to a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sigma_scan::sample::Label;

use crate::outcome::Measured;

/// The differences as text: levels that moved, rules that came or went, archives that only one run has.
pub fn text(before: &[Measured], after: &[Measured]) -> String {
    let key = |one: &Measured| (one.label, one.path.clone());
    let old: BTreeMap<_, _> = before.iter().map(|one| (key(one), one)).collect();
    let new: BTreeMap<_, _> = after.iter().map(|one| (key(one), one)).collect();
    let mut out = String::new();
    let (mut better, mut worse, mut same) = (0, 0, 0);
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (key, now) in &new {
        let Some(then) = old.get(key) else {
            let _ = writeln!(out, "NEW {} {}", now.path, level(now));
            continue;
        };
        let (had, has): (BTreeSet<_>, BTreeSet<_>) = (then.rules().collect(), now.rules().collect());
        let (gained, lost): (Vec<_>, Vec<_>) = (has.difference(&had).collect(), had.difference(&has).collect());
        gained.iter().for_each(|(rule, _)| rules.entry(rule).or_default().0 += 1);
        lost.iter().for_each(|(rule, _)| rules.entry(rule).or_default().1 += 1);
        if then.level() == now.level() {
            same += 1;
            continue;
        }
        // A failure counts as the lowest level of a malicious archive, and as the highest of a benign one.
        let up = match now.label {
            Label::Malicious => now.level() > then.level(),
            Label::Benign => now.level().is_some() && (then.level().is_none() || now.level() < then.level()),
        };
        *(if up { &mut better } else { &mut worse }) += 1;
        let word = if up { "BETTER" } else { "WORSE" };
        let _ = writeln!(out, "{word} {} {}: {} -> {}", now.label.as_str(), now.path, level(then), level(now));
        for (sign, these) in [('+', gained), ('-', lost)] {
            for (rule, severity) in these {
                let _ = writeln!(out, "      {sign} {rule} {}", format!("{severity:?}").to_uppercase());
            }
        }
    }
    for (key, then) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        let _ = writeln!(out, "GONE {} {}", key.1, level(then));
    }
    let _ = writeln!(out, "\n{better} better, {worse} worse, {same} at the same level");
    for (rule, (gained, lost)) in rules {
        let _ = writeln!(out, "  {rule}: +{gained} -{lost} archives (or another severity there)");
    }
    let total = |these: &[Measured]| these.iter().map(|one| one.micros).sum::<u64>() as f64 / 1000.0;
    let _ = writeln!(out, "{:.0} ms before, {:.0} ms now", total(before), total(after));
    out
}

fn level(one: &Measured) -> &'static str {
    one.level().map_or("FAILED", sigma_core::SecurityLevel::as_str)
}

#[cfg(test)]
mod tests {
    use sigma_core::{CouncilVerdict, Ecosystem, SecurityLevel, Severity};

    use super::*;
    use crate::outcome::Outcome;

    fn one(label: Label, path: &str, level: SecurityLevel, rules: &[(&str, Severity)]) -> Measured {
        let outcome = Outcome::Ruled {
            ecosystem: Ecosystem::Npm,
            verdict: CouncilVerdict::Approved,
            level,
            source_bytes: 10,
            rules: rules.iter().map(|(rule, severity)| ((*rule).to_owned(), *severity)).collect(),
            reasons: Vec::new(),
        };
        let (path, family) = (path.to_owned(), "family".to_owned());
        Measured { label, path, family, expect: SecurityLevel::Blocked, micros: 1000, outcome }
    }

    #[test]
    fn what_changed_is_told_in_both_directions() {
        use SecurityLevel::{Blocked, Caution, Clear};
        let high = [("a-rule", Severity::High)];
        let before = [
            one(Label::Malicious, "m", Clear, &[]),
            one(Label::Benign, "b", Clear, &[]),
            one(Label::Benign, "same", Caution, &high),
            one(Label::Benign, "gone", Caution, &high),
        ];
        let critical = [("a-rule", Severity::Critical)];
        let mut after = vec![
            one(Label::Malicious, "m", Blocked, &critical),
            one(Label::Benign, "b", Caution, &high),
            one(Label::Benign, "same", Caution, &high),
            one(Label::Malicious, "new", Clear, &[]),
        ];
        let written = serde_json::to_string(&after).unwrap();
        after = serde_json::from_str(&written).unwrap();
        insta::assert_snapshot!(text(&before, &after), @"
        BETTER malicious m: CLEAR -> BLOCKED
              + a-rule CRITICAL
        NEW new CLEAR
        WORSE benign b: CLEAR -> CAUTION
              + a-rule HIGH
        GONE gone CAUTION

        1 better, 1 worse, 1 at the same level
          a-rule: +2 -0 archives (or another severity there)
        4 ms before, 4 ms now
        ");
    }
}
