//! What submissions are ruled, from ordinary ones to hostile ones.

use sigma_core::*;

use crate::deliberate_code;

fn finding(rule: &str, category: Category, severity: Severity) -> Finding {
    Finding {
        rule: rule.to_owned(),
        category,
        capability: None,
        severity,
        confidence: Confidence::High,
        reach: Reach::Import,
        file: "tool/main.py".to_owned(),
        line: 7,
        evidence: "evidence".to_owned(),
        message: "It does.".to_owned(),
        reached: Some(true),
    }
}

fn able(capability: Capability) -> Finding {
    let category = if capability == Capability::NetworkClient { Category::Network } else { Category::Process };
    Finding { capability: Some(capability), ..finding("able", category, Severity::Info) }
}

fn skill() -> SkillManifest {
    SkillManifest {
        name: Some("weather".to_owned()),
        description: Some("Tells the weather.".to_owned()),
        capabilities: vec!["network".to_owned()],
        external_calls: vec![call("https://api.example.org/v1", None)],
        ..SkillManifest::new("SKILL.md".to_owned(), Sha256::of(b""))
    }
}

fn call(url: &str, auth: Option<&str>) -> ExternalCall {
    ExternalCall { url: url.to_owned(), method: "GET".to_owned(), auth: auth.map(str::to_owned), reason: None }
}

fn ran() -> Execution {
    Execution {
        status: ExecutionStatus::Completed,
        tier: Some(SandboxTier::Namespaces),
        exercises: vec![Exercise { what: "started".to_owned(), outcome: "exit 0".to_owned() }],
        functions_reached: 5,
        functions_total: Some(6),
        ..Execution::skipped("")
    }
}

fn attempts(host: &str) -> Bounded<NetworkAttempt> {
    let one = NetworkAttempt {
        protocol: "tcp".to_owned(),
        destination: Some("198.18.0.1:443".to_owned()),
        host: Some(host.to_owned()),
        count: 1,
    };
    Bounded { total: 1, listed: vec![one] }
}

/// A skill that speaks to the host that it declares, and did so when it ran.
pub(crate) fn ordinary() -> CodeDossier {
    let digests = Digests {
        sha256: Sha256::of(b""),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let report = DistributionReport {
        filename: "submission".to_owned(),
        kind: DistributionKind::Sdist,
        digests,
        coverage: Coverage { files: 2, source_files: 1, parsed: 1, ..Coverage::default() },
        capabilities: [Capability::NetworkClient].into(),
        hosts: ["api.example.org".to_owned()].into(),
        imports: Default::default(),
        install_hooks: Default::default(),
        entry_points: Default::default(),
        findings: vec![able(Capability::NetworkClient)],
        rule_hits: Default::default(),
    };
    CodeDossier {
        category: SubmissionCategory::SkillCode,
        origin: Origin::Repository {
            url: "https://github.com/demo/weather".to_owned(),
            requested: "main".to_owned(),
            commit: "0".repeat(40),
        },
        files: FileSet { files: vec![FileEntry { path: "SKILL.md".to_owned(), size: 1, sha256: Sha256::of(b"x") }] },
        preprocess: Preprocess {
            ruleset: "test".to_owned(),
            language: Some(CodeLanguage::Python),
            entry: Some("tool/main.py".to_owned()),
            tier: ComplexityTier::Standard,
            dependencies_pinned: None,
            report,
            skill: Some(skill()),
            delta: ManifestDelta::default(),
            undeclared_imports: Default::default(),
            unused_packages: Default::default(),
        },
        execution: Some(Execution { network: attempts("api.example.org"), ..ran() }),
        probes: vec![],
        packages: None,
        note: None,
    }
}

fn with(change: impl FnOnce(&mut CodeDossier)) -> CodeDossier {
    let mut dossier = ordinary();
    change(&mut dossier);
    dossier
}

/// Checks the outcome, and the code of the first warning where one is expected.
fn check(change: impl FnOnce(&mut CodeDossier), expect: &str) {
    let ruling = deliberate_code(&with(change));
    let first = ruling.warnings.first().map_or(String::new(), |warning| format!(" {}", warning.code));
    assert_eq!(format!("{} {}{first}", ruling.verdict.as_str(), ruling.level), expect, "{ruling:#?}");
}

fn found(one: Finding) -> impl FnOnce(&mut CodeDossier) {
    move |dossier| dossier.preprocess.report.findings.push(one)
}

fn run(change: impl FnOnce(&mut Execution)) -> impl FnOnce(&mut CodeDossier) {
    move |dossier| change(dossier.execution.as_mut().unwrap())
}

fn skilled(change: impl FnOnce(&mut SkillManifest)) -> impl FnOnce(&mut CodeDossier) {
    move |dossier| change(dossier.preprocess.skill.as_mut().unwrap())
}

#[test]
fn what_does_as_it_declares_is_clear() {
    check(|_| (), "APPROVED CLEAR");
    check(found(able(Capability::FileRead)), "APPROVED CLEAR");
    check(
        |dossier| {
            (dossier.category, dossier.preprocess.skill) = (SubmissionCategory::Code, None);
        },
        "APPROVED CLEAR",
    );
}

#[test]
fn findings_weigh_by_whether_the_entry_point_reaches_them() {
    use Category::{Credential, Network};
    use Severity::{Critical, High, Medium};
    let grave = |reached| Finding { reached, ..finding("grave", Credential, Critical) };
    check(found(grave(Some(true))), "REJECTED BLOCKED grave");
    check(found(grave(None)), "REJECTED BLOCKED grave");
    check(found(grave(Some(false))), "ESCALATED BLOCKED grave");
    let tested = Finding { reach: Reach::Test, ..grave(Some(false)) };
    check(found(tested), "APPROVED CAUTION grave");
    let hook = Finding { reach: Reach::Install, ..grave(Some(false)) };
    check(found(hook), "REJECTED BLOCKED grave");
    check(found(finding("high", Network, High)), "APPROVED CAUTION high");
    check(found(Finding { reached: Some(false), ..finding("high", Network, High) }), "APPROVED MONITORED high");
    check(found(finding("medium", Network, Medium)), "APPROVED MONITORED medium");
    let pair = |reached| {
        move |dossier: &mut CodeDossier| {
            let two = [Category::Process, Network].map(|kind| Finding { reached, ..finding("high", kind, High) });
            dossier.preprocess.report.findings.extend(two);
        }
    };
    check(pair(Some(true)), "REJECTED BLOCKED signals-combine-in-file");
    check(pair(Some(false)), "ESCALATED BLOCKED signals-combine-in-file");
}

#[test]
fn text_for_models_escalates_with_a_mismatch() {
    let steer = |severity, file: &str| Finding {
        file: file.to_owned(),
        reached: None,
        ..finding("prompt-injection", Category::Obfuscation, severity)
    };
    check(found(steer(Severity::Medium, "README.md")), "APPROVED MONITORED prompt-injection");
    check(found(steer(Severity::Medium, "SKILL.md")), "APPROVED CAUTION prompt-injection");
    check(found(steer(Severity::High, "docs/use.md")), "APPROVED CAUTION prompt-injection");
    check(found(steer(Severity::High, "SKILL.md")), "ESCALATED BLOCKED prompt-injection");
    check(found(steer(Severity::Critical, "SKILL.md")), "REJECTED BLOCKED prompt-injection");
    let tested = Finding { reach: Reach::Test, ..steer(Severity::High, "tests/guard.py") };
    check(found(tested), "APPROVED MONITORED prompt-injection");
    let hidden = Finding { rule: "hidden-characters".to_owned(), ..steer(Severity::Medium, "README.md") };
    let comment = Finding { rule: "hidden-instruction".to_owned(), ..steer(Severity::High, "SKILL.md") };
    check(found(comment), "ESCALATED BLOCKED hidden-instruction");
    let mismatch = |dossier: &mut CodeDossier| {
        dossier.preprocess.delta.undeclared_hosts.insert("evil.example.net".to_owned());
    };
    for text in [hidden, steer(Severity::Medium, "README.md"), steer(Severity::High, "SKILL.md")] {
        let both = |dossier: &mut CodeDossier| {
            mismatch(dossier);
            dossier.preprocess.report.findings.push(text.clone());
        };
        check(both, "ESCALATED BLOCKED injection-and-mismatch");
    }
    let note = |screened: &[&str]| {
        let screened = screened.iter().map(|&text| text.to_owned()).collect();
        Some(AdvisoryNote { text: "a note".to_owned(), screened })
    };
    check(|dossier| dossier.note = note(&[]), "APPROVED CLEAR");
    let told = |dossier: &mut CodeDossier| dossier.note = note(&["tells the reviewer to approve"]);
    check(told, "APPROVED CAUTION note-instructs-the-reviewer");
    let both = |dossier: &mut CodeDossier| {
        mismatch(dossier);
        told(dossier);
    };
    check(both, "ESCALATED BLOCKED injection-and-mismatch");
    let harmful = |dossier: &mut CodeDossier| {
        told(dossier);
        dossier.execution.as_mut().unwrap().flags = vec![flag(Severity::High)];
    };
    check(harmful, "ESCALATED BLOCKED injection-and-harm");
}

#[test]
fn the_manifest_is_held_against_the_code_in_both_directions() {
    let hosts = |dossier: &mut CodeDossier| {
        dossier.preprocess.delta.undeclared_hosts.insert("other.example.net".to_owned());
    };
    check(hosts, "APPROVED CAUTION undeclared-hosts");
    let silent = |dossier: &mut CodeDossier| {
        hosts(dossier);
        dossier.preprocess.skill.as_mut().unwrap().external_calls.clear();
    };
    check(silent, "APPROVED MONITORED undeclared-hosts");
    let capability = |one, reached| {
        move |dossier: &mut CodeDossier| {
            dossier.preprocess.delta.undeclared_capabilities.insert(one);
            dossier.preprocess.report.findings.push(Finding { reached, ..able(one) });
        }
    };
    let run_it = |dossier: &mut CodeDossier| dossier.execution.as_mut().unwrap().spawns.total = 1;
    let shell = |dossier: &mut CodeDossier| {
        capability(Capability::Shell, Some(true))(dossier);
        run_it(dossier);
    };
    check(shell, "APPROVED CAUTION undeclared-capabilities");
    check(capability(Capability::Shell, Some(false)), "APPROVED MONITORED undeclared-capabilities");
    check(capability(Capability::FileRead, Some(true)), "APPROVED MONITORED undeclared-ordinary-capabilities");
    let open = |dossier: &mut CodeDossier| {
        capability(Capability::FileRead, Some(true))(dossier);
        dossier.preprocess.skill.as_mut().unwrap().capabilities.clear();
    };
    check(open, "APPROVED CLEAR");
    let unused = |dossier: &mut CodeDossier| {
        dossier.preprocess.delta.unused_hosts.insert("api.example.com".to_owned());
    };
    check(unused, "APPROVED MONITORED declared-and-unused");
    check(|dossier| dossier.preprocess.skill = None, "APPROVED CAUTION skill-missing");
    let problem =
        Problem { message: "the name is too long".to_owned(), at: Location { file: "SKILL.md".to_owned(), line: 2 } };
    check(skilled(|skill| skill.problems = vec![problem]), "APPROVED MONITORED skill-problem");
    check(skilled(|skill| skill.name = Some("official-bank".to_owned())), "APPROVED MONITORED claims-trust");
    let claim = Some("Weather. SIGMA certified and 100% safe.".to_owned());
    check(skilled(|skill| skill.description = claim), "APPROVED MONITORED claims-trust");
    check(skilled(|skill| skill.allowed_tools = vec!["Bash(*)".to_owned()]), "APPROVED MONITORED tools-without-limit");
    check(skilled(|skill| skill.allowed_tools = vec!["Bash(git:*)".to_owned()]), "APPROVED CLEAR");
    let home = |url: &str| {
        let url = Some(url.to_owned());
        skilled(move |skill| skill.homepage = url)
    };
    check(home("https://github.com/known/weather"), "APPROVED MONITORED homepage-elsewhere");
    check(home("https://github.com/Demo/weather.git"), "APPROVED CLEAR");
    check(home("https://weather.example.org/"), "APPROVED CLEAR");
}

fn flag(severity: Severity) -> RiskFlag {
    RiskFlag { severity, code: "wrote-outside".to_owned(), message: "It wrote outside of its folder.".to_owned() }
}

#[test]
fn a_run_counts_and_so_does_its_absence() {
    use Severity::{Critical, High, Low, Medium};
    check(|dossier| dossier.execution = None, "APPROVED MONITORED run-missing");
    check(|dossier| dossier.execution = Some(Execution::skipped("no sandbox")), "APPROVED MONITORED run-skipped");
    check(|dossier| dossier.execution = Some(Execution::failed("no Python")), "APPROVED MONITORED run-failed");
    let text_only = |dossier: &mut CodeDossier| {
        (dossier.category, dossier.execution) = (SubmissionCategory::Skill, None);
    };
    check(text_only, "APPROVED CLEAR");
    check(run(|ran| ran.flags = vec![flag(Low)]), "APPROVED CLEAR");
    check(run(|ran| ran.flags = vec![flag(Medium)]), "APPROVED MONITORED execution/wrote-outside");
    check(run(|ran| ran.flags = vec![flag(High)]), "APPROVED CAUTION execution/wrote-outside");
    check(run(|ran| ran.flags = vec![flag(Critical)]), "REJECTED BLOCKED execution/wrote-outside");
    let leaked = |ran: &mut Execution| ran.canaries_leaked = ["API_KEY".to_owned()].into();
    check(run(leaked), "REJECTED BLOCKED execution/canary-leaked");
    let stored = |ran: &mut Execution| {
        leaked(ran);
        ran.flags = vec![RiskFlag { code: "canary-stored".to_owned(), ..flag(High) }];
    };
    check(run(stored), "APPROVED CAUTION execution/canary-stored");
    check(run(|ran| ran.exercises.clear()), "APPROVED MONITORED run-exercised-little");
    check(run(|ran| ran.functions_total = Some(100)), "APPROVED MONITORED run-exercised-little");
    check(run(|ran| ran.network = attempts("c2.example.net")), "APPROVED CAUTION run-reaches-unnamed-host");
    let to = |protocol: &'static str, destination: &'static str| {
        run(move |ran| {
            let (protocol, destination) = (protocol.to_owned(), Some(destination.to_owned()));
            ran.network.listed.push(NetworkAttempt { protocol, destination, host: None, count: 1 });
        })
    };
    check(to("udp", "198.18.0.53:53"), "APPROVED CLEAR");
    check(to("dns", "eu.api.example.org"), "APPROVED CLEAR");
    check(to("tcp", "127.0.0.1:8080"), "APPROVED CLEAR");
    check(to("tcp", "[::1]:8080"), "APPROVED CLEAR");
    check(to("dns", "evilapi.example.org.example.net"), "APPROVED CAUTION run-reaches-unnamed-host");
    check(to("dns", "evilapi.example.org"), "APPROVED CAUTION run-reaches-unnamed-host");
    check(to("tcp", "203.0.113.9:4444"), "APPROVED CAUTION run-reaches-unnamed-host");
    let undeclaring = |dossier: &mut CodeDossier| {
        dossier.preprocess.skill.as_mut().unwrap().external_calls.clear();
        dossier.execution.as_mut().unwrap().network = attempts("c2.example.net");
    };
    check(undeclaring, "APPROVED MONITORED run-reaches-unnamed-host");
    let ruling = deliberate_code(&with(run(|ran| ran.flags = vec![flag(High), flag(Medium)])));
    let retained = ruling.warnings.iter().filter(|one| one.code.starts_with("execution/") && one.severity >= High);
    assert_eq!(retained.count(), 1);
}

#[test]
fn source_and_run_are_laid_beside_each_other() {
    check(run(|ran| ran.network = Bounded::default()), "APPROVED MONITORED not-exercised-network");
    let spawned = |dossier: &mut CodeDossier| {
        let one = SpawnAttempt { program: "/bin/sh".to_owned(), arguments: vec![], count: 1 };
        dossier.execution.as_mut().unwrap().spawns = Bounded { total: 1, listed: vec![one] };
    };
    check(spawned, "APPROVED CAUTION unseen-in-source-process");
    let with_packages = |dossier: &mut CodeDossier| {
        spawned(dossier);
        dossier.preprocess.dependencies_pinned = Some(true);
        dossier.category = SubmissionCategory::SkillCodePackages;
        dossier.packages = Some(PackageFacts::default());
    };
    check(with_packages, "APPROVED MONITORED unseen-in-source-process");
    let read = |ran: &mut Execution| ran.canaries_read = ["API_KEY".to_owned()].into();
    check(run(read), "APPROVED CAUTION unseen-in-source-secrets");
    let evader = finding("sandbox-check", Category::Obfuscation, Severity::Medium);
    check(found(evader.clone()), "APPROVED CAUTION run-may-be-evaded");
    check(found(Finding { reached: Some(false), ..evader }), "APPROVED MONITORED sandbox-check");
}

#[test]
fn packages_weigh_by_depth() {
    use Depth::{Direct, TransitiveL1, TransitiveL2};
    use SecurityLevel::{Blocked, Caution, Clear, Monitored};
    let package = |depth, level| {
        move |dossier: &mut CodeDossier| {
            let uncertified = match level {
                None => Some("too large".to_owned()),
                Some(_) => None,
            };
            let one =
                PackageFact { package: "pypi:a@1".to_owned(), id: None, depth, level, uncertified, warnings: vec![] };
            dossier.category = SubmissionCategory::SkillCodePackages;
            dossier.packages = Some(PackageFacts { packages: vec![one], beyond: 0 });
        }
    };
    check(package(Direct, Some(Clear)), "APPROVED CLEAR");
    check(package(Direct, Some(Monitored)), "APPROVED CLEAR");
    check(package(Direct, Some(Caution)), "APPROVED CAUTION package-caution");
    check(package(TransitiveL2, Some(Caution)), "APPROVED MONITORED package-caution");
    check(package(Direct, Some(Blocked)), "REJECTED BLOCKED package-blocked");
    check(package(TransitiveL1, Some(Blocked)), "REJECTED BLOCKED package-blocked");
    check(package(TransitiveL2, Some(Blocked)), "APPROVED CAUTION package-blocked-deep");
    check(package(Direct, None), "APPROVED CAUTION direct-packages-uncertified");
    check(package(TransitiveL1, None), "APPROVED MONITORED transitive-packages-uncertified");
    let beyond = |dossier: &mut CodeDossier| {
        dossier.category = SubmissionCategory::SkillCodePackages;
        dossier.packages = Some(PackageFacts { packages: vec![], beyond: 3 });
    };
    check(beyond, "APPROVED MONITORED packages-beyond-the-cap");
    check(|one| one.category = SubmissionCategory::SkillCodePackages, "APPROVED CAUTION packages-not-reviewed");
}

#[test]
fn endpoints_are_judged_by_address_and_answer() {
    let declares = |url: &str, auth: Option<&str>| {
        let call = call(url, auth);
        skilled(move |skill| skill.external_calls.push(call))
    };
    check(declares("https://api.example.com/", Some("bearer")), "APPROVED CLEAR");
    check(declares("http://api.example.com/", None), "APPROVED MONITORED endpoint-in-the-clear");
    check(declares("http://api.example.com/", Some("bearer")), "APPROVED CAUTION credential-in-the-clear");
    check(declares("http://169.254.169.254/latest/", None), "APPROVED CAUTION endpoint-private");
    check(declares("http://[::ffff:10.0.0.1]/", None), "APPROVED CAUTION endpoint-private");
    check(declares("http://metadata.google.internal/", None), "APPROVED CAUTION endpoint-private");
    check(declares("http://localhost:8000/", None), "APPROVED MONITORED endpoint-on-this-machine");
    check(declares("no address", None), "APPROVED MONITORED endpoint-unreadable");
    let probed = |outcome: ProbeOutcome| {
        move |dossier: &mut CodeDossier| {
            dossier.category = SubmissionCategory::SkillApiCode;
            let url = "https://api.example.org/v1".to_owned();
            dossier.probes = vec![EndpointProbe { url, method: "GET".to_owned(), outcome }];
        }
    };
    let answered = |code, location| ProbeOutcome::Answered { code, content_type: None, location };
    let reason = || "its method changes something".to_owned();
    check(probed(answered(200, None)), "APPROVED CLEAR");
    check(probed(answered(401, None)), "APPROVED CLEAR");
    check(probed(answered(503, None)), "APPROVED MONITORED endpoints-failing");
    check(probed(answered(302, Some("https://x.example/".to_owned()))), "APPROVED MONITORED endpoints-redirect");
    check(probed(ProbeOutcome::NotProbed { reason: reason() }), "APPROVED MONITORED endpoints-not-probed");
    check(probed(ProbeOutcome::Failed { reason: reason() }), "APPROVED MONITORED endpoints-silent");
    let none = |dossier: &mut CodeDossier| {
        dossier.category = SubmissionCategory::SkillApiCode;
        dossier.preprocess.skill.as_mut().unwrap().external_calls.clear();
        dossier.execution = Some(ran());
        dossier.preprocess.report.findings.clear();
    };
    check(none, "APPROVED MONITORED no-endpoint-declared");
}

#[test]
fn what_was_not_seen_is_told() {
    let first = |change: fn(&mut Preprocess)| move |dossier: &mut CodeDossier| change(&mut dossier.preprocess);
    check(first(|one| one.entry = None), "APPROVED MONITORED no-entry-point");
    let pinned = first(|one| one.dependencies_pinned = Some(true));
    check(pinned, "APPROVED MONITORED dependencies-not-reviewed");
    let imports = first(|one| one.undeclared_imports = ["numpy".to_owned()].into());
    check(imports, "APPROVED MONITORED undeclared-imports");
    check(first(|one| one.unused_packages = ["black".to_owned()].into()), "APPROVED CLEAR");
    let hooks = first(|one| one.report.install_hooks = ["setup.py".to_owned()].into());
    check(hooks, "APPROVED MONITORED runs-at-installation");
    check(|dossier| dossier.files.files.clear(), "APPROVED CAUTION nothing-reviewed");
    let secret = Finding { reached: None, ..finding("embedded-secret", Category::Secret, Severity::Medium) };
    check(found(secret), "APPROVED MONITORED embedded-secret");
    let hidden = finding("encoded-literal", Category::Obfuscation, Severity::High);
    check(found(hidden), "APPROVED CAUTION encoded-literal");
}
