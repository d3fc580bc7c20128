//! The council: validators with different lenses, two phases, and consensus.
//!
//! In: a [`sigma_core::Dossier`] of a package, or a [`sigma_core::CodeDossier`] of a submission. Out: a
//! [`sigma_core::Ruling`]. The embedded validators are deterministic: the same dossier always gives the same ballots.
//! [`Council`] adds models by configuration, which can stop a certificate and never give one. Nothing here reads code, and
//! nothing in a dossier is an instruction.
#![warn(missing_docs)]

mod author;
mod consensus;
mod council;
mod hearing;
mod model;
mod origin;
mod prompt;
mod reasons;
mod seating;
mod strands;
mod validators;

pub use author::{Author, Authored, HarnessSubject};
pub use consensus::rule;
pub use council::{Council, Round, Transcript};
pub use model::{ApiKey, ModelApi, ModelConfig, ModelError, Panels};
pub use origin::{ORIGIN_FINDINGS, OriginFinding};
pub use reasons::level_of;

use sigma_core::{Ballot, CodeDossier, Dossier, Phase, Reason, Ruling, SecurityLevel, Vote};

/// An embedded member of the council, which judges dossiers of one kind.
pub trait Validator<D>: Send + Sync {
    /// Its id, as it stands on ballots.
    fn id(&self) -> &'static str;

    /// The panel it sits on.
    fn phase(&self) -> Phase;

    /// What it holds against what it sees; nothing where the dossier holds nothing that it can judge.
    fn reasons(&self, dossier: &D) -> Option<Vec<Reason>>;

    /// Its vote: UNSAFE when one of its reasons asks for BLOCKED.
    fn vote(&self, dossier: &D) -> Ballot {
        let reasons = self.reasons(dossier);
        let silent = reasons.is_none();
        let ballot = reasons::ballot(self.id(), self.phase(), reasons.unwrap_or_default());
        if silent { Ballot { vote: Vote::Abstain, ..ballot } } else { ballot }
    }
}

/// Lets both panels vote on a package and rules.
pub fn deliberate(dossier: &Dossier) -> Ruling {
    rule(&ballots(validators::package::PANEL, dossier))
}

/// Lets both panels vote on a submission of code and rules.
pub fn deliberate_code(dossier: &CodeDossier) -> Ruling {
    rule(&ballots(validators::code::PANEL, dossier))
}

fn ballots<D>(panel: &[&dyn Validator<D>], dossier: &D) -> Vec<Ballot> {
    panel.iter().map(|validator| validator.vote(dossier)).collect()
}

/// The level that only what is new since the last certified version asks for. A version that stands at CAUTION or BLOCKED
/// for that alone must not become what the next one is compared with: its successor would bring nothing new.
pub fn novelty(ruling: &Ruling) -> SecurityLevel {
    let ballots =
        ruling.ballots.iter().filter(|ballot| validators::package::OF_DELTAS.contains(&ballot.validator.as_str()));
    ballots.map(|ballot| ballot.level).max().unwrap_or(SecurityLevel::Clear)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sigma_core::*;

    pub(crate) fn finding(severity: Severity, category: Category, reach: Reach) -> Finding {
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
            reached: None,
        }
    }

    pub(crate) fn dossier(findings: Vec<Finding>) -> Dossier {
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
            entry_points: Default::default(),
            findings,
            rule_hits: Default::default(),
        };
        Dossier {
            release: Release {
                distributions: vec![],
                unread: vec![],
                yanked: None,
                deprecated: None,
                people: People::default(),
            },
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
            delta: None,
            provenance: UpstreamProvenance::default(),
            entry_points: None,
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
        check(vec![finding(Critical, Network, Call)], "REJECTED BLOCKED");
        let unsure = Finding { confidence: Confidence::Medium, ..finding(Critical, Network, Call) };
        check(vec![unsure.clone()], "ESCALATED BLOCKED");
        check(vec![unsure, finding(High, Obfuscation, Reach::Import)], "REJECTED BLOCKED");
        check(vec![finding(Critical, Network, Test)], "APPROVED CAUTION");
        check(vec![finding(High, Process, Install), finding(High, Network, Install)], "REJECTED BLOCKED");
        let elsewhere = |kind, file: &str| Finding { file: file.to_owned(), ..finding(High, kind, Reach::Import) };
        check(vec![elsewhere(Process, "a.py"), elsewhere(Network, "b.py")], "APPROVED CAUTION");
        let three = [elsewhere(Process, "a.py"), elsewhere(Network, "b.py"), elsewhere(Obfuscation, "c.py")];
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

    fn news(step: Step, set: impl FnOnce(&mut DistributionDelta)) -> Delta {
        let mut one = DistributionDelta {
            filename: "demo-1.1.tar.gz".to_owned(),
            previous_filename: "demo-1.0.tar.gz".to_owned(),
            kind: DistributionKind::Sdist,
            capabilities: vec![],
            hosts: Default::default(),
            first_hosts: false,
            imports: Default::default(),
            install_hooks: Default::default(),
            entry_points: Default::default(),
            binaries: vec![],
            first_binaries: false,
            rules: vec![],
            files: vec![],
            cut: 0,
        };
        set(&mut one);
        Delta {
            previous: "1.0".to_owned(),
            step,
            previous_ruleset: "r".to_owned(),
            ruleset: "r".to_owned(),
            distributions: vec![one],
            uncompared: vec![],
            publishers: None,
            maintainers: None,
        }
    }

    fn check_news(delta: Delta, expect: &str) {
        let mut dossier = dossier(vec![]);
        dossier.delta = Some(delta);
        let ruling = deliberate(&dossier);
        assert_eq!(format!("{} {}", ruling.verdict.as_str(), ruling.level), expect, "{ruling:#?}");
        assert_eq!(novelty(&ruling), ruling.level);
    }

    fn gains(of: &[(Capability, Reach)]) -> Vec<Gain> {
        of.iter().map(|(capability, reach)| Gain { capability: *capability, reach: *reach, before: None }).collect()
    }

    #[test]
    fn the_smaller_the_step_the_more_what_is_new_weighs() {
        use Capability::{Credentials, Environment, FileWrite, NetworkClient, Process};
        use Reach::{Call, Import, Install};
        use Step::{Major, Minor, Patch};
        let able = |step, of: &[(Capability, Reach)]| news(step, |one| one.capabilities = gains(of));
        check_news(able(Patch, &[]), "APPROVED CLEAR");
        check_news(able(Patch, &[(Environment, Import)]), "APPROVED CLEAR");
        check_news(able(Patch, &[(FileWrite, Call)]), "APPROVED CLEAR");
        for step in [Patch, Minor] {
            check_news(able(step, &[(Process, Import)]), "APPROVED MONITORED");
        }
        check_news(able(Major, &[(Process, Import)]), "APPROVED CLEAR");
        let two = [(Process, Call), (NetworkClient, Call)];
        check_news(able(Patch, &two), "APPROVED CAUTION");
        check_news(able(Minor, &two), "APPROVED MONITORED");
        check_news(able(Major, &two), "APPROVED MONITORED");
        let secrets = [(Credentials, Call), (NetworkClient, Call)];
        check_news(able(Minor, &secrets), "APPROVED CAUTION");
        check_news(able(Major, &secrets), "APPROVED MONITORED");
        let three = [(Process, Install), (NetworkClient, Call), (Credentials, Call)];
        check_news(able(Patch, &three), "REJECTED BLOCKED");
        check_news(able(Minor, &three), "APPROVED CAUTION");
        let mut at_home = able(Minor, &[(Process, Install), (FileWrite, Install), (Environment, Install)]);
        at_home.distributions[0].install_hooks = ["x".to_owned()].into();
        check_news(at_home.clone(), "APPROVED MONITORED");
        at_home.step = Patch;
        check_news(at_home, "REJECTED BLOCKED");
        let called = [(Process, Call), (NetworkClient, Call), (Credentials, Call)];
        check_news(able(Patch, &called), "APPROVED CAUTION");
    }

    #[test]
    fn hooks_hosts_and_concealment_weigh_with_what_comes_with_them() {
        let texts = |text: &str| [text.to_owned()].into();
        let hidden = || NewRule {
            rule: "hidden".to_owned(),
            category: Category::Obfuscation,
            capability: None,
            severity: Severity::Medium,
            before: None,
            reach: Reach::Import,
            location: "a.js:1".to_owned(),
        };
        check_news(news(Step::Patch, |one| one.install_hooks = texts("x")), "APPROVED MONITORED");
        check_news(news(Step::Patch, |one| one.hosts = texts("x")), "APPROVED MONITORED");
        check_news(news(Step::Minor, |one| one.hosts = texts("x")), "APPROVED CLEAR");
        let first = |one: &mut DistributionDelta| (one.hosts, one.first_hosts) = (texts("x"), true);
        check_news(news(Step::Patch, first), "APPROVED CAUTION");
        check_news(news(Step::Minor, first), "APPROVED CLEAR");
        check_news(news(Step::Patch, |one| one.rules = vec![hidden()]), "APPROVED CAUTION");
        let both = |one: &mut DistributionDelta| (one.install_hooks, one.rules) = (texts("x"), vec![hidden()]);
        check_news(news(Step::Patch, both), "REJECTED BLOCKED");
        check_news(news(Step::Minor, both), "APPROVED CAUTION");
    }

    #[test]
    fn a_newcomer_is_held_to_the_narrower_promise_and_another_ruleset_proves_nothing() {
        let able = |step| news(step, |one| one.capabilities = gains(&[(Capability::Process, Reach::Call)]));
        let by = |mut delta: Delta, who: &str| {
            delta.publishers = Some(("ann".to_owned(), who.to_owned()));
            delta
        };
        check_news(by(able(Step::Minor), "ann"), "APPROVED MONITORED");
        check_news(by(able(Step::Minor), "eve"), "APPROVED CAUTION");
        check_news(by(news(Step::Patch, |_| ()), "eve"), "APPROVED CLEAR");
        let mut other = news(Step::Patch, |one| one.install_hooks = ["x".to_owned()].into());
        other.previous_ruleset = "older".to_owned();
        check_news(by(other, "eve"), "APPROVED MONITORED");
    }

    fn publisher(repository: &str, workflow: &str) -> PublisherIdentity {
        let owner = repository.split('/').next().unwrap_or_default();
        PublisherIdentity {
            kind: "GitHub".to_owned(),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: format!("https://github.com/{repository}/.github/workflows/{workflow}@refs/tags/v1"),
            repository: Some(format!("https://github.com/{repository}")),
            repository_id: None,
            owner: Some(format!("https://github.com/{owner}")),
            owner_id: None,
            workflow: Some(format!(".github/workflows/{workflow}")),
            source_ref: None,
            commit: None,
            builder: None,
            run: None,
        }
    }

    /// A release whose only distribution has this status and publisher, after one that was published by `acme/demo`.
    fn origin(status: ProvenanceStatus, by: Option<(&str, &str)>) -> UpstreamProvenance {
        let without = DistributionProvenance::without("demo-1.0.tar.gz", status, "why");
        let publisher_now = by.map(|(repository, workflow)| publisher(repository, workflow));
        UpstreamProvenance {
            distributions: vec![DistributionProvenance { publisher: publisher_now, ..without }],
            roots: None,
            previous: Some(KnownPublisher {
                version: "1.0".to_owned(),
                publisher: publisher("acme/demo", "release.yml"),
            }),
        }
    }

    #[test]
    fn a_publisher_is_compared_with_the_last_one_that_was_attested() {
        use ProvenanceStatus::{Absent, Invalid, Unavailable, Verified};
        use Step::{Major, Minor, Patch};
        let check = |step, status, by, expect: &str| {
            let mut dossier = dossier(vec![]);
            dossier.delta = Some(news(step, |_| ()));
            dossier.provenance = origin(status, by);
            let ruling = deliberate(&dossier);
            let codes: Vec<&str> = ruling.warnings.iter().map(|warning| warning.code.as_str()).collect();
            assert_eq!(format!("{} {}", ruling.level, codes.join(" ")).trim_end(), expect, "{ruling:#?}");
        };
        check(Patch, Verified, Some(("acme/demo", "release.yml")), "CLEAR");
        check(Patch, Verified, Some(("evil/demo", "release.yml")), "CAUTION provenance-changed");
        check(Minor, Verified, Some(("evil/demo", "release.yml")), "CAUTION provenance-changed");
        check(Major, Verified, Some(("evil/demo", "release.yml")), "MONITORED provenance-changed");
        check(Patch, Verified, Some(("acme/other", "release.yml")), "MONITORED provenance-changed");
        check(Minor, Verified, Some(("acme/demo", "other.yml")), "MONITORED provenance-changed");
        check(Major, Verified, Some(("acme/demo", "other.yml")), "CLEAR");
        for step in [Patch, Major] {
            check(step, Absent, None, "MONITORED provenance-lost");
            check(step, Unavailable, None, "CLEAR");
            check(step, Invalid, None, "CAUTION provenance-invalid");
        }
    }

    #[test]
    fn what_does_not_verify_needs_no_earlier_version_and_a_stranger_has_less_room() {
        let mut first = dossier(vec![]);
        first.provenance = origin(ProvenanceStatus::Invalid, None);
        first.provenance.previous = None;
        assert_eq!(deliberate(&first).level, SecurityLevel::Caution);
        first.provenance.distributions[0].unknown_roots = true;
        assert_eq!(deliberate(&first).level, SecurityLevel::Monitored);

        // The same news in a minor release, by the known workflow, and by whoever has a token but not the workflow.
        let mut release = dossier(vec![]);
        release.delta = Some(news(Step::Minor, |one| one.capabilities = gains(&[(Capability::Process, Reach::Call)])));
        release.provenance = origin(ProvenanceStatus::Verified, Some(("acme/demo", "release.yml")));
        assert_eq!(deliberate(&release).level, SecurityLevel::Monitored);
        release.provenance = origin(ProvenanceStatus::Absent, None);
        assert_eq!(deliberate(&release).level, SecurityLevel::Caution);
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
