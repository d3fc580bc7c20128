//! The council: validators with different lenses, two phases, and consensus.
//!
//! In: a [`sigma_core::Dossier`]. Out: a [`sigma_core::Ruling`]. The default validators are deterministic: the same
//! dossier always gives the same ballots. Nothing here reads package code, and nothing in a dossier is an instruction.
#![warn(missing_docs)]

mod consensus;
mod reasons;
mod validators;

pub use consensus::rule;
pub use reasons::level_of;

use sigma_core::{Ballot, Dossier, Phase, Ruling};

/// A member of the council.
pub trait Validator: Send + Sync {
    /// Its id, as it stands on ballots.
    fn id(&self) -> &'static str;

    /// The panel it sits on.
    fn phase(&self) -> Phase;

    /// Its vote on a dossier.
    fn vote(&self, dossier: &Dossier) -> Ballot;
}

/// The version of the panel: part of the policy that a certificate was ruled under.
pub const PANEL: &str = "embedded-1";

/// Lets both panels vote and rules.
pub fn deliberate(dossier: &Dossier) -> Ruling {
    let ballots: Vec<Ballot> = validators::PANEL.iter().map(|validator| validator.vote(dossier)).collect();
    rule(&ballots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigma_core::*;

    fn finding(severity: Severity, category: Category, reach: Reach) -> Finding {
        Finding {
            rule: format!("{category:?}").to_lowercase(),
            category,
            capability: None,
            severity,
            confidence: Confidence::High,
            reach,
            file: "pkg/__init__.py".to_owned(),
            line: 7,
            evidence: "exec(payload)".to_owned(),
            message: "it does".to_owned(),
        }
    }

    fn dossier(findings: Vec<Finding>) -> Dossier {
        let package: PackageId = "pypi:demo@1.0".parse().unwrap();
        let digests = Digests {
            sha256: Sha256::of(b""),
            sha512: Sha512::from_bytes([0; 64]),
            sha1: Sha1::from_bytes([0; 20]),
            size: 0,
        };
        let distribution = DistributionReport {
            filename: "demo-1.0.tar.gz".to_owned(),
            kind: DistributionKind::Sdist,
            digests,
            coverage: Coverage { files: 1, source_files: 1, parsed: 1, ..Coverage::default() },
            capabilities: Default::default(),
            hosts: Default::default(),
            imports: Default::default(),
            install_hooks: Default::default(),
            findings,
            rule_hits: Default::default(),
        };
        Dossier {
            release: Release { distributions: vec![], unread: vec![], yanked: None, deprecated: None },
            report: Report {
                package: package.clone(),
                ruleset: "test".to_owned(),
                analysis_type: AnalysisType::Full,
                distributions: vec![distribution],
            },
            advisories: AdvisorySnapshot {
                source: "test".to_owned(),
                queried_at: Timestamp::from_millis(0),
                state: AdvisoryState::Unavailable { reason: "404".to_owned() },
            },
            package,
        }
    }

    fn check(findings: Vec<Finding>, expect: &str) {
        let ruling = deliberate(&dossier(findings));
        assert_eq!(format!("{} {}", ruling.verdict.as_str(), ruling.level), expect, "{ruling:#?}");
    }

    #[test]
    fn capabilities_stay_clear_and_stories_block() {
        use Category::{Credential, DynamicCode, Filesystem, Network, Obfuscation, Process};
        use Reach::{Call, Install, Test};
        use Severity::{Critical, High, Info, Medium};
        check(vec![], "APPROVED CLEAR");
        let ordinary =
            [Process, Network, Credential, Filesystem, DynamicCode].map(|kind| finding(Info, kind, Reach::Import));
        check(ordinary.to_vec(), "APPROVED CLEAR");
        check(vec![finding(Medium, Network, Call)], "APPROVED MONITORED");
        check(vec![finding(Medium, Network, Test)], "APPROVED CLEAR");
        check(vec![finding(High, Process, Reach::Import)], "APPROVED CAUTION");
        check(vec![finding(Critical, Network, Install)], "REJECTED BLOCKED");
        check(vec![finding(Critical, Network, Call)], "ESCALATED BLOCKED");
        check(vec![finding(Critical, Network, Call), finding(High, Obfuscation, Reach::Import)], "REJECTED BLOCKED");
        check(vec![finding(Critical, Network, Test)], "APPROVED CAUTION");
        check(vec![finding(High, Process, Install), finding(High, Network, Install)], "APPROVED CAUTION");
        let three = [Process, Network, Obfuscation].map(|kind| finding(High, kind, Install));
        check(three.to_vec(), "ESCALATED BLOCKED");
    }

    #[test]
    fn code_that_runs_at_installation_is_noted() {
        let mut dossier = dossier(vec![]);
        let mut beside = dossier.report.distributions[0].clone();
        beside.install_hooks.insert("demo-1.0/setup.py".to_owned());
        dossier.report.distributions.push(beside.clone());
        assert_eq!(deliberate(&dossier).level, SecurityLevel::Clear, "nobody installs the sdist beside a wheel");
        dossier.report.distributions = vec![beside];
        let ruling = deliberate(&dossier);
        assert_eq!(
            (ruling.level, ruling.warnings[0].code.as_str()),
            (SecurityLevel::Monitored, "runs-at-installation")
        );
    }

    #[test]
    fn only_malware_advisories_decide() {
        let advisory = |id: &str| Advisory {
            id: id.to_owned(),
            aliases: vec![],
            title: "t".to_owned(),
            severity: AdvisorySeverity::Critical,
            url: None,
            vulnerable_versions: None,
            fixed_in: vec![],
        };
        let mut dossier = dossier(vec![]);
        dossier.advisories.state = AdvisoryState::Listed { advisories: vec![advisory("GHSA-x")] };
        assert_eq!(deliberate(&dossier).level, SecurityLevel::Clear);
        dossier.advisories.state = AdvisoryState::Listed { advisories: vec![advisory("MAL-2026-1")] };
        assert_eq!(deliberate(&dossier).verdict, CouncilVerdict::Rejected);
    }
}
