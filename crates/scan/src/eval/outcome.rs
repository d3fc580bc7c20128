//! What became of one archive, as far as it counts here; also the shape of `--json` and `--baseline`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sigma_core::{CouncilVerdict, Ecosystem, SecurityLevel, Severity};
use sigma_scan::Scan;
use sigma_scan::sample::Label;

/// One archive and what became of it.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    pub label: Label,
    pub path: String,
    pub family: String,
    pub expect: SecurityLevel,
    pub micros: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of an archive.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The ruling, as far as it counts here.
    Ruled {
        ecosystem: Ecosystem,
        verdict: CouncilVerdict,
        level: SecurityLevel,
        source_bytes: u64,
        /// Rules with a finding of at least MEDIUM, and how strong their strongest is.
        rules: BTreeMap<String, Severity>,
        /// The strongest reasons.
        reasons: Vec<String>,
    },
    /// No verdict: always a failure of ours.
    Failed { error: String },
}

impl Outcome {
    /// The part of a scan that counts.
    pub fn of(scan: &Scan) -> Self {
        let mut rules = BTreeMap::new();
        for (_, finding) in scan.report.findings().filter(|(_, finding)| finding.severity >= Severity::Medium) {
            let strongest = rules.entry(finding.rule.clone()).or_insert(finding.severity);
            *strongest = finding.severity.max(*strongest);
        }
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
            rules,
            reasons: scan.ruling.warnings.iter().take(6).map(reason).collect(),
        }
    }
}

impl Measured {
    /// The level that the council gave it.
    pub fn level(&self) -> Option<SecurityLevel> {
        match self.outcome {
            Outcome::Failed { .. } => None,
            Outcome::Ruled { level, .. } => Some(level),
        }
    }

    /// Its rules and how strong each is.
    pub fn rules(&self) -> impl Iterator<Item = (&str, Severity)> {
        let rules = match &self.outcome {
            Outcome::Failed { .. } => None,
            Outcome::Ruled { rules, .. } => Some(rules),
        };
        rules.into_iter().flatten().map(|(rule, severity)| (rule.as_str(), *severity))
    }

    /// What is wrong with its level, if anything.
    pub fn fault(&self) -> Option<&'static str> {
        match (self.label, self.level()) {
            (_, None) => Some("FAILED"),
            (Label::Malicious, Some(level)) => (level < self.expect).then_some("MISS"),
            (Label::Benign, Some(level)) => (level > self.expect).then_some("ALARM"),
        }
    }
}
