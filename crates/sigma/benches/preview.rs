//! What a preview costs, where everything is certified already: `just bench-preview`.
//!
//! A lockfile of 144 packages, in this process: look-ups, graph and policy, beside opening the same certificates once, which nobody
//! can leave out. Then a manifest of ranges that resolves to 49 packages, both programs as a whole and without a network:
//! `sigma audit --preview --offline` beside `uv pip compile --offline`. Packages are made up and served on loopback.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigma_analysis::{Analyser, Limits};
use sigma_certificate::PackageCertificate;
use sigma_core::Timestamp;
use sigma_ecosystem::manifest::{self, ReadOptions};
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{AuditOptions, Decision, Hall, HallConfig, PackagePreview, Policy, Silent};
use sigma_store::{Database, Store};
use sigma_testkit::{FakeEcosystem, NpmTarball, Wheel};
use url::Url;

// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOCKED: usize = 144;
const RANGES: usize = 49;
const RUNS: usize = 21;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let eco = FakeEcosystem::start();
    runtime.block_on(locked(&eco, folder.path()));
    ranges(&eco, folder.path());
}

/// Packages that the project names.
const DIRECT: usize = 4;

/// The three packages below a package: four trees with three branches, so that 144 packages are four levels.
fn below(package: usize, of: usize) -> impl Iterator<Item = usize> {
    (3 * package + DIRECT..3 * package + DIRECT + 3).filter(move |child| *child < of)
}

async fn locked(eco: &FakeEcosystem, folder: &Path) {
    let mut lock = String::from(
        r#"{"name":"x","lockfileVersion":3,"packages":{"":{"dependencies":{"p0":"1.0.0","p1":"1.0.0","p2":"1.0.0","p3":"1.0.0"}}"#,
    );
    for package in 0..LOCKED {
        let mut tarball = NpmTarball::new(&format!("p{package}"), "1.0.0").file("index.js", "module.exports = 1;\n");
        let mut dependencies = Vec::new();
        for child in below(package, LOCKED) {
            tarball = tarball.dependency(&format!("p{child}"), "1.0.0");
            dependencies.push(format!(r#""p{child}":"1.0.0""#));
        }
        let built = tarball.build();
        let integrity = built.integrity();
        let url = eco.npm.add(built).url;
        let dependencies = dependencies.join(",");
        let _ = write!(
            lock,
            r#","node_modules/p{package}":{{"version":"1.0.0","resolved":"{url}","integrity":"{integrity}","dependencies":{{{dependencies}}}}}"#
        );
    }
    lock.push_str("}}");
    let project = folder.join("locked");
    std::fs::create_dir_all(&project).expect("a folder");
    std::fs::write(project.join("package-lock.json"), lock).expect("a lockfile");

    let root = folder.join("store");
    let store = Store::open(&root, &Database::Embedded).await.expect("a store");
    let url = |text: String| Url::parse(&text).expect("an address");
    let ecosystems = Ecosystems::new(EcosystemConfig {
        pypi_index: url(eco.pypi.index_url()),
        pypi_json: url(eco.pypi.json_url()),
        npm_registry: url(eco.npm.registry_url()),
        ..EcosystemConfig::official(root.join("cache"))
    });
    let clock = Arc::new(|| Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()));
    let analyser = Analyser::new(Limits::default());
    let hall = Hall::new(ecosystems.expect("clients"), store, analyser, clock, HallConfig::default()).expect("a hall");
    let mut read = ReadOptions::default();
    read.npm_registries.push(url(eco.npm.registry_url()));
    let manifests = || manifest::read(&project, &read).expect("a lockfile").manifests;
    let options = AuditOptions { cap: LOCKED, depth: 3, ..AuditOptions::default() };
    let audited = hall.audit_project(manifests(), &options, &Silent).await.expect("an audit");
    let certificates: Vec<PackageCertificate> =
        audited.rows.iter().filter_map(|row| row.certificate()).cloned().collect();

    let policy = Policy { fail_on: sigma_core::SecurityLevel::Blocked, require_advisories: false };
    let options = AuditOptions { preview: true, ..options };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let audit = hall.audit_project(manifests(), &options, &Silent).await.expect("a preview");
        let preview = PackagePreview::of(&audit.package_analysis(hall.prices()));
        let decision = policy.decide(&audit);
        times.push(began.elapsed());
        assert_eq!(preview.transitive_dependencies_checked + preview.packages_total, LOCKED as u64);
        assert!(matches!(decision, Decision::Pass | Decision::Undecided(_)));
    }
    let mut floors = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        for certificate in &certificates {
            std::hint::black_box(PackageCertificate::open(certificate.canonical().to_vec()).expect("a certificate"));
        }
        floors.push(began.elapsed());
    }
    let (time, floor) = (median(times), median(floors));
    println!(
        "lockfile of {LOCKED}, {} certified: {:.2} ms, {:.1} times opening the certificates ({:.2} ms)",
        certificates.len(),
        millis(time),
        time.as_secs_f64() / floor.as_secs_f64(),
        millis(floor)
    );
}

fn ranges(eco: &FakeEcosystem, folder: &Path) {
    for package in 0..RANGES {
        for version in ["1.0", "1.1", "2.0"] {
            let mut wheel = Wheel::new(&format!("r{package}"), version).file(&format!("r{package}/__init__.py"), "");
            for child in below(package, RANGES) {
                wheel = wheel.requires(&format!("r{child}>=1.0,<2"));
            }
            eco.pypi.add(wheel.build());
        }
    }
    let project = folder.join("ranges");
    std::fs::create_dir_all(&project).expect("a folder");
    // Another upper bound each time: the same question would be answered from the graph that is kept.
    let ask = |number: usize| {
        let text = format!("r0>=1,<3.{number}\nr1>=1,<3\nr2>=1,<3\nr3>=1,<3\n");
        std::fs::write(project.join("requirements.txt"), text).expect("a manifest");
    };
    ask(0);
    let ours = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
        command
            .args(["audit", "requirements.txt"])
            .args(more)
            .env("HOME", folder)
            .env("SIGMA_STORE", folder.join("cli"))
            .env("SIGMA_PYPI_INDEX", eco.pypi.index_url())
            .env("SIGMA_PYPI_JSON", eco.pypi.json_url())
            .env("SIGMA_NPM_REGISTRY", eco.npm.registry_url());
        command
    };
    let uv = std::env::var_os("SIGMA_TEST_UV").unwrap_or_else(|| "uv".into());
    let theirs = |more: &[&str]| {
        let mut command = Command::new(&uv);
        command
            .args(["pip", "compile", "requirements.txt", "--quiet", "--index-url", &eco.pypi.index_url()])
            .args(more)
            .env("UV_CACHE_DIR", folder.join("uv"));
        command
    };
    let run = |command: &mut Command| {
        let began = Instant::now();
        let status = command.current_dir(&project).stdout(Stdio::null()).status();
        (began.elapsed(), status.is_ok_and(|status| status.code().is_some_and(|code| code == 0 || code == 3)))
    };
    // Both fill their caches first.
    let (audited, resolved) = (run(&mut ours(&[])).1, run(&mut theirs(&[])).1);
    assert!(audited && resolved, "audited: {audited}, resolved by uv: {resolved}");
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for number in 1..=RUNS {
        ask(number);
        let (time, fine) = run(&mut ours(&["--preview", "--offline"]));
        assert!(fine, "a preview without a network");
        our_times.push(time);
        let (time, fine) = run(&mut theirs(&["--offline"]));
        assert!(fine, "uv without a network");
        their_times.push(time);
    }
    let (our_time, their_time) = (median(our_times), median(their_times));
    println!(
        "ranges that resolve to {RANGES}, offline, whole programs: {:.0} ms, {:.2} times uv pip compile ({:.0} ms)",
        millis(our_time),
        our_time.as_secs_f64() / their_time.as_secs_f64(),
        millis(their_time)
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
