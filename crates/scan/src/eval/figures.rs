//! From outcomes to figures.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sigma_core::{CouncilVerdict, Ecosystem, SecurityLevel, Severity};
use sigma_scan::sample::Label;

use crate::outcome::{Measured, Outcome};

const LEVELS: [SecurityLevel; 3] = [SecurityLevel::Blocked, SecurityLevel::Caution, SecurityLevel::Monitored];

/// The figures as text.
pub fn text(measured: &[Measured], all: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "archives at each level or above\n");
    let _ = writeln!(out, "{:<18}{:>9}{:>18}{:>18}{:>18}", "", "archives", "BLOCKED", "CAUTION", "MONITORED");
    for label in [Label::Malicious, Label::Benign] {
        for ecosystem in [None, Some(Ecosystem::Pypi), Some(Ecosystem::Npm)] {
            row(&mut out, measured, label, ecosystem);
        }
        if label == Label::Malicious {
            families(&mut out, measured);
        }
    }
    rules(&mut out, measured);
    cost(&mut out, measured);
    for one in measured {
        let fault = one.fault();
        if fault.is_some() || all {
            describe(&mut out, one, fault.unwrap_or(""));
        }
    }
    out
}

fn row(out: &mut String, measured: &[Measured], label: Label, wanted: Option<Ecosystem>) {
    let of = |one: &&Measured| match (&one.outcome, wanted) {
        (_, None) => true,
        (Outcome::Ruled { ecosystem, .. }, Some(wanted)) => *ecosystem == wanted,
        (Outcome::Failed { .. }, Some(_)) => false,
    };
    let these: Vec<&Measured> = measured.iter().filter(|one| one.label == label).filter(of).collect();
    if these.is_empty() {
        return;
    }
    let name = match wanted {
        None => label.as_str().to_owned(),
        Some(ecosystem) => format!("  {}", ecosystem.title()),
    };
    let _ = write!(out, "{name:<18}{:>9}", these.len());
    for level in LEVELS {
        let count = these.iter().filter(|one| one.level().is_some_and(|got| got >= level)).count();
        let share = format!("{count} ({:.1} %)", 100.0 * count as f64 / these.len() as f64);
        let _ = write!(out, "{share:>18}");
    }
    let escalated = |one: &&&Measured| matches!(one.outcome, Outcome::Ruled { verdict: CouncilVerdict::Escalated, .. });
    match these.iter().filter(escalated).count() {
        0 => out.push('\n'),
        count => {
            let _ = writeln!(out, "   {count} of them undecided");
        }
    }
}

/// Each family counts once, its members share that one: near-copies of a campaign would flatter a plain count.
fn families(out: &mut String, measured: &[Measured]) {
    let mut families: BTreeMap<&str, Vec<Option<SecurityLevel>>> = BTreeMap::new();
    for one in measured.iter().filter(|one| one.label == Label::Malicious) {
        families.entry(&one.family).or_default().push(one.level());
    }
    if families.is_empty() {
        return;
    }
    let _ = write!(out, "{:<18}{:>9}", "  by family", families.len());
    for level in LEVELS {
        let reached = |members: &Vec<Option<SecurityLevel>>| {
            let count = members.iter().filter(|got| got.is_some_and(|got| got >= level)).count();
            count as f64 / members.len() as f64
        };
        let sum: f64 = families.values().map(reached).sum();
        let share = format!("{sum:.1} ({:.1} %)", 100.0 * sum / families.len() as f64);
        let _ = write!(out, "{share:>18}");
    }
    out.push('\n');
}

/// What one rule did.
#[derive(Default)]
struct Tally {
    /// Archives with a finding of at least MEDIUM: malicious on PyPI and npm, benign on PyPI and npm.
    hits: [usize; 4],
    /// Malicious and benign archives in which no other rule found anything of at least HIGH.
    alone: [usize; 2],
}

fn rules(out: &mut String, measured: &[Measured]) {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for one in measured {
        let Outcome::Ruled { ecosystem, .. } = &one.outcome else { continue };
        let benign = usize::from(one.label == Label::Benign);
        for (rule, _) in one.rules() {
            let tally = tallies.entry(rule).or_default();
            tally.hits[2 * benign + usize::from(*ecosystem == Ecosystem::Npm)] += 1;
        }
        let mut strong = one.rules().filter(|(_, severity)| *severity >= Severity::High);
        if let (Some((rule, _)), None) = (strong.next(), strong.next()) {
            tallies.entry(rule).or_default().alone[benign] += 1;
        }
    }
    let _ = writeln!(
        out,
        "\narchives in which a rule found something of at least MEDIUM; alone: no other rule of at least HIGH\n"
    );
    let _ = writeln!(out, "{:<34}{:>20}{:>20}{:>20}", "", "malicious", "benign", "alone");
    let _ = writeln!(
        out,
        "{:<34}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "rule", "PyPI", "npm", "PyPI", "npm", "malicious", "benign"
    );
    for (rule, Tally { hits, alone }) in tallies {
        let _ = write!(out, "{rule:<34}");
        for count in hits.iter().chain(&alone) {
            let _ = write!(out, "{count:>10}");
        }
        out.push('\n');
    }
}

fn cost(out: &mut String, measured: &[Measured]) {
    let bytes = |one: &Measured| match one.outcome {
        Outcome::Ruled { source_bytes, .. } => source_bytes,
        Outcome::Failed { .. } => 0,
    };
    let source: u64 = measured.iter().map(bytes).sum();
    let total: u64 = measured.iter().map(|one| one.micros).sum();
    let mut each: Vec<u64> = measured.iter().map(|one| one.micros).collect();
    each.sort_unstable();
    let at = |part: usize| each.get(each.len() * part / 100).or(each.last()).copied().unwrap_or(0) as f64 / 1000.0;
    let (megabytes, ms) = (source as f64 / 1e6, total as f64 / 1000.0);
    let _ = writeln!(
        out,
        "\n{megabytes:.1} MB of source in {ms:.0} ms, {:.1} ms a MB; median {:.1} ms an archive, 90 % below {:.1}, all below {:.1}\n",
        ms / megabytes.max(1e-6),
        at(50),
        at(90),
        at(100)
    );
}

fn describe(out: &mut String, one: &Measured, word: &str) {
    match &one.outcome {
        Outcome::Failed { error } => {
            let _ = writeln!(out, "{word} {}: {error}", one.path);
        }
        Outcome::Ruled { level, verdict, reasons, .. } => {
            let undecided = if *verdict == CouncilVerdict::Escalated { ", undecided" } else { "" };
            let _ = writeln!(out, "{word} {} {level}{undecided}", one.path);
            for reason in reasons {
                let _ = writeln!(out, "      {reason}");
            }
        }
    }
}
