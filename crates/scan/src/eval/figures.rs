//! From samples to figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use sigma_core::{CouncilVerdict, Ecosystem, SecurityLevel, Severity};
use sigma_scan::Scan;

/// What somebody says an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Written to harm.
    Malicious,
    /// What it says it is.
    Benign,
}

impl Label {
    /// Its folder, which is also its word.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Benign => "benign",
        }
    }
}

/// One archive and what became of it.
#[derive(Serialize)]
pub struct Sample {
    pub label: Label,
    pub path: String,
    pub micros: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of an archive.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// No verdict: always a failure of ours.
    Failed { error: String },
    /// The ruling, as far as it counts here.
    Ruled {
        ecosystem: Ecosystem,
        verdict: CouncilVerdict,
        level: SecurityLevel,
        source_bytes: u64,
        /// Rules with a finding of at least MEDIUM.
        rules: BTreeSet<String>,
        /// The strongest reasons.
        reasons: Vec<String>,
    },
}

impl Outcome {
    /// The part of a scan that counts.
    pub fn of(scan: &Scan) -> Self {
        let findings = scan.report.findings().map(|(_, finding)| finding);
        let rules = findings.filter(|finding| finding.severity >= Severity::Medium).map(|finding| finding.rule.clone());
        let reason = |warning: &sigma_core::Warning| {
            let (place, evidence) = (warning.location.as_deref(), warning.evidence.as_deref());
            let severity = format!("{:?}", warning.severity).to_uppercase();
            format!("{severity} {} {} {}", warning.code, place.unwrap_or(""), evidence.unwrap_or(&warning.message))
        };
        Self::Ruled {
            ecosystem: scan.report.package.ecosystem(),
            verdict: scan.ruling.verdict,
            level: scan.ruling.level,
            source_bytes: scan.report.distributions.iter().map(|one| one.coverage.source_bytes).sum(),
            rules: rules.collect(),
            reasons: scan.ruling.warnings.iter().take(6).map(reason).collect(),
        }
    }

    fn level(&self) -> Option<SecurityLevel> {
        match self {
            Self::Failed { .. } => None,
            Self::Ruled { level, .. } => Some(*level),
        }
    }
}

const LEVELS: [SecurityLevel; 3] = [SecurityLevel::Blocked, SecurityLevel::Caution, SecurityLevel::Monitored];

/// The figures as text.
pub fn text(samples: &[Sample], all: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "archives at each level or above\n");
    let _ = writeln!(out, "{:<18}{:>9}{:>18}{:>18}{:>18}", "", "archives", "BLOCKED", "CAUTION", "MONITORED");
    for label in [Label::Malicious, Label::Benign] {
        for ecosystem in [None, Some(Ecosystem::Pypi), Some(Ecosystem::Npm)] {
            row(&mut out, samples, label, ecosystem);
        }
    }
    rules(&mut out, samples);
    cost(&mut out, samples);
    for sample in samples {
        let (wrong, word) = match (sample.label, sample.outcome.level()) {
            (_, None) => (true, "FAILED"),
            (Label::Malicious, Some(level)) => (level < SecurityLevel::Blocked, "MISS"),
            (Label::Benign, Some(level)) => (level > SecurityLevel::Monitored, "ALARM"),
        };
        if wrong || all {
            describe(&mut out, sample, if wrong { word } else { "" });
        }
    }
    out
}

fn row(out: &mut String, samples: &[Sample], label: Label, wanted: Option<Ecosystem>) {
    let of = |sample: &&Sample| match (&sample.outcome, wanted) {
        (_, None) => true,
        (Outcome::Ruled { ecosystem, .. }, Some(wanted)) => *ecosystem == wanted,
        (Outcome::Failed { .. }, Some(_)) => false,
    };
    let these: Vec<&Sample> = samples.iter().filter(|sample| sample.label == label).filter(of).collect();
    if these.is_empty() {
        return;
    }
    let name = match wanted {
        None => label.folder().to_owned(),
        Some(ecosystem) => format!("  {}", ecosystem.title()),
    };
    let _ = write!(out, "{name:<18}{:>9}", these.len());
    for level in LEVELS {
        let count = these.iter().filter(|sample| sample.outcome.level().is_some_and(|got| got >= level)).count();
        let share = format!("{count} ({:.1} %)", 100.0 * count as f64 / these.len() as f64);
        let _ = write!(out, "{share:>18}");
    }
    let escalated =
        |sample: &&&Sample| matches!(sample.outcome, Outcome::Ruled { verdict: CouncilVerdict::Escalated, .. });
    match these.iter().filter(escalated).count() {
        0 => out.push('\n'),
        count => {
            let _ = writeln!(out, "   {count} of them undecided");
        }
    }
}

fn rules(out: &mut String, samples: &[Sample]) {
    let mut hits: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for sample in samples {
        let Outcome::Ruled { rules, .. } = &sample.outcome else { continue };
        for rule in rules {
            let (malicious, benign) = hits.entry(rule).or_default();
            *(if sample.label == Label::Malicious { malicious } else { benign }) += 1;
        }
    }
    let _ = writeln!(out, "\narchives in which a rule found something of at least MEDIUM\n");
    let _ = writeln!(out, "{:<34}{:>11}{:>9}", "rule", "malicious", "benign");
    for (rule, (malicious, benign)) in hits {
        let _ = writeln!(out, "{rule:<34}{malicious:>11}{benign:>9}");
    }
}

fn cost(out: &mut String, samples: &[Sample]) {
    let bytes = |sample: &Sample| match sample.outcome {
        Outcome::Ruled { source_bytes, .. } => source_bytes,
        Outcome::Failed { .. } => 0,
    };
    let source: u64 = samples.iter().map(bytes).sum();
    let total: u64 = samples.iter().map(|sample| sample.micros).sum();
    let mut each: Vec<u64> = samples.iter().map(|sample| sample.micros).collect();
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

fn describe(out: &mut String, sample: &Sample, word: &str) {
    match &sample.outcome {
        Outcome::Failed { error } => {
            let _ = writeln!(out, "{word} {}: {error}", sample.path);
        }
        Outcome::Ruled { level, verdict, reasons, .. } => {
            let undecided = if *verdict == CouncilVerdict::Escalated { ", undecided" } else { "" };
            let _ = writeln!(out, "{word} {} {level}{undecided}", sample.path);
            for reason in reasons {
                let _ = writeln!(out, "      {reason}");
            }
        }
    }
}
