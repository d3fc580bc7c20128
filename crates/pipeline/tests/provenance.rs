//! Attestations from fake ecosystems to certificates: verified, absent, invalid, unavailable, and publishers that change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sigma_analysis::{Analyser, Limits};
use sigma_certificate::PackageCertificate;
use sigma_core::Timestamp;
use sigma_ecosystem::manifest::{self, ReadOptions};
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::*;
use sigma_provenance::Roots;
use sigma_store::{Database, Store};
use sigma_testkit::{
    Built, FakeEcosystem, FakeSigstore, Flaw, Misbehaviour, NpmTarball, Sdist, Wheel, Workload, fresh_postgres,
};
use tempfile::TempDir;
use url::Url;

/// A store, fake ecosystems, a Sigstore of their own, and a clock that moves a second at each look.
struct Scene {
    eco: FakeEcosystem,
    sigstore: FakeSigstore,
    folder: TempDir,
    database: Database,
    time: Arc<AtomicI64>,
}

impl Scene {
    fn new() -> Self {
        let database = fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        let time = Arc::new(AtomicI64::new(1_776_248_621_000));
        let folder = tempfile::tempdir().unwrap();
        Self { eco: FakeEcosystem::start(), sigstore: FakeSigstore::new(), folder, database, time }
    }

    /// The certificate of the only dependency that a project declares in this file.
    async fn certificate(&self, file: &str, text: &str) -> PackageCertificate {
        let url = |text: String| Url::parse(&text).unwrap();
        let root = self.folder.path().join("store");
        let store = Store::open(&root, &self.database).await.unwrap();
        let config = EcosystemConfig {
            pypi_index: url(self.eco.pypi.index_url()),
            pypi_json: url(self.eco.pypi.json_url()),
            npm_registry: url(self.eco.npm.registry_url()),
            first_pause: Duration::from_millis(5),
            // Of its own for each audit: packuments are kept for minutes, and new versions appear here within one.
            ..EcosystemConfig::official(tempfile::tempdir_in(self.folder.path()).unwrap().keep())
        };
        let time = self.time.clone();
        let clock = Arc::new(move || Timestamp::from_millis(time.fetch_add(1000, Ordering::Relaxed)));
        let analyser = Analyser::new(Limits::default());
        let hall = Hall::new(Ecosystems::new(config).unwrap(), store, analyser, clock, HallConfig::default()).unwrap();
        let roots = Roots::with(Some(&self.sigstore.trusted_root()), Some(&self.sigstore.npm_keys())).unwrap();
        let project = tempfile::tempdir_in(self.folder.path()).unwrap();
        std::fs::write(project.path().join(file), text).unwrap();
        let mut read = ReadOptions::default();
        read.pypi_indexes.push(url(self.eco.pypi.index_url()));
        read.npm_registries.push(url(self.eco.npm.registry_url()));
        let manifests = manifest::read(project.path(), &read).unwrap().manifests;
        let audit = hall.with_roots(roots).audit_project(manifests, &AuditOptions::default(), &Silent).await.unwrap();
        audit.rows[0].certificate().unwrap_or_else(|| panic!("{:?}", audit.rows[0].state)).clone()
    }

    async fn npm(&self, version: &str) -> PackageCertificate {
        self.certificate("package.json", &format!(r#"{{"dependencies": {{"demo": "{version}"}}}}"#)).await
    }

    async fn pypi(&self, version: &str) -> PackageCertificate {
        self.certificate("requirements.txt", &format!("demo=={version}\n")).await
    }

    /// Publishes a version on npm, attested by a workload or not at all.
    fn publish(&self, version: &str, by: Option<&Workload>) {
        let built = tarball(version);
        if let Some(by) = by {
            self.eco.npm.attest("demo", version, self.sigstore.npm(&built, by, Flaw::None));
        }
        self.eco.npm.add(built);
    }
}

fn tarball(version: &str) -> Built {
    NpmTarball::new("demo", version).file("index.js", "module.exports = 1;\n").build()
}

fn wheel() -> Built {
    Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build()
}

fn sdist() -> Built {
    Sdist::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build()
}

/// Level, status, publisher, change, and the codes of warnings.
fn line(certificate: &PackageCertificate) -> String {
    let payload = certificate.payload();
    let entry = payload.upstream_provenance.as_ref().expect("certificates that are sealed now say so");
    let publisher = entry.publisher.as_ref().map_or("-".to_owned(), |publisher| publisher.words());
    let change = entry.change.map_or("-", |change| change.as_str());
    let codes: Vec<&str> = payload.retained_warnings.iter().map(|warning| warning.code.as_str()).collect();
    let codes = codes.into_iter().filter(|code| code.starts_with("provenance")).collect::<Vec<_>>().join(" ");
    format!("{} {} {publisher} {change} {codes}", payload.security_level, entry.status).trim_end().to_owned()
}

/// Whether the certificate discloses that attestations were unavailable.
fn disclosed(certificate: &PackageCertificate) -> bool {
    certificate.payload().disclosures.iter().any(|line| line.contains("attestations of its origin were unavailable"))
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_attestations_are_four_different_things() {
    let by = Workload::github("acme/demo");
    let cases = [
        ("verified", Some(Flaw::None), "CLEAR verified github.com/acme/demo (release.yml) -"),
        ("invalid", Some(Flaw::OtherDigest), "CAUTION invalid - - provenance-invalid"),
        ("unknown", Some(Flaw::UnknownAuthority), "MONITORED invalid - - provenance-unknown-roots"),
        ("absent", None, "CLEAR absent - -"),
    ];
    for (name, flaw, expect) in cases {
        let scene = Scene::new();
        scene.eco.npm.sign();
        let built = tarball("1.0.0");
        if let Some(flaw) = flaw {
            scene.eco.npm.attest("demo", "1.0.0", scene.sigstore.npm(&built, &by, flaw));
        }
        scene.eco.npm.add(built);
        let certificate = scene.npm("1.0.0").await;
        assert_eq!(line(&certificate), expect, "{name}");
        assert!(!disclosed(&certificate), "{name}");
    }

    // A registry that tells of nothing, and one that announces and does not serve.
    let scene = Scene::new();
    scene.publish("1.0.0", None);
    let certificate = scene.npm("1.0.0").await;
    assert_eq!(line(&certificate), "CLEAR unavailable - -");
    assert!(disclosed(&certificate));
    let scene = Scene::new();
    scene.publish("1.0.0", Some(&by));
    scene.eco.npm.server.misbehave("/-/npm/v1/attestations/demo@1.0.0", Misbehaviour::Status(500));
    let certificate = scene.npm("1.0.0").await;
    assert_eq!(line(&certificate), "CLEAR unavailable - -");
    let entry = certificate.payload().upstream_provenance.as_ref().unwrap();
    assert!(entry.summary.contains("attestations are announced, and not served"), "{}", entry.summary);
    assert!(disclosed(&certificate));
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_attestations_are_told_file_by_file() {
    let by = Workload::github("acme/demo");
    let both = |scene: &Scene| {
        for built in [wheel(), sdist()] {
            scene.eco.pypi.attest(&built.filename, scene.sigstore.pypi(&built, &by, Flaw::None));
        }
    };
    let check = async |prepare: &dyn Fn(&Scene), expect: &str, told: &str| {
        let scene = Scene::new();
        scene.eco.pypi.add(wheel());
        scene.eco.pypi.add(sdist());
        prepare(&scene);
        let certificate = scene.pypi("1.0").await;
        assert_eq!(line(&certificate), expect);
        let entry = certificate.payload().upstream_provenance.clone().unwrap();
        let each: Vec<&str> = entry.distributions.iter().map(|one| one.status.as_str()).collect();
        assert_eq!(each.join(" "), told);
    };
    check(&both, "CLEAR verified github.com/acme/demo (release.yml) -", "verified verified").await;
    let html = |scene: &Scene| {
        both(scene);
        scene.eco.pypi.only_html();
    };
    check(&html, "CLEAR verified github.com/acme/demo (release.yml) -", "verified verified").await;
    let one = |scene: &Scene| {
        let built = wheel();
        scene.eco.pypi.attest(&built.filename, scene.sigstore.pypi(&built, &by, Flaw::None));
    };
    check(&one, "CLEAR absent github.com/acme/demo (release.yml) -", "verified absent").await;
    let flawed = |scene: &Scene| {
        both(scene);
        let built = sdist();
        scene.eco.pypi.attest(&built.filename, scene.sigstore.pypi(&built, &by, Flaw::OtherSubject));
    };
    let expect = "CAUTION invalid github.com/acme/demo (release.yml) - provenance-invalid";
    check(&flawed, expect, "verified invalid").await;
    check(&|scene: &Scene| scene.eco.pypi.tell_of_provenance(), "CLEAR absent - -", "absent absent").await;
    check(&|_: &Scene| (), "CLEAR unavailable - -", "unavailable unavailable").await;
    check(&|scene: &Scene| scene.eco.pypi.only_html(), "CLEAR unavailable - -", "unavailable unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_who_is_lost_or_another_one_is_a_finding() {
    let (acme, evil) = (Workload::github("acme/demo"), Workload::github("evil/demo"));
    let known = "verified github.com/acme/demo (release.yml)";

    let scene = Scene::new();
    scene.eco.npm.sign();
    scene.publish("1.0.0", Some(&acme));
    assert_eq!(line(&scene.npm("1.0.0").await), format!("CLEAR {known} -"));
    scene.publish("1.0.1", Some(&acme));
    assert_eq!(line(&scene.npm("1.0.1").await), format!("CLEAR {known} -"));
    // Lost, and it stays lost: what one version brought is not ordinary in the next.
    scene.publish("1.0.2", None);
    let lost = scene.npm("1.0.2").await;
    assert_eq!(line(&lost), "MONITORED absent - lost provenance-lost");
    assert_eq!(lost.payload().upstream_provenance.as_ref().unwrap().previous.as_ref().unwrap().version, "1.0.1");
    scene.publish("1.0.3", None);
    assert_eq!(line(&scene.npm("1.0.3").await), "MONITORED absent - lost provenance-lost");
    // Somebody else after the gap is compared with the last one who was known.
    scene.publish("1.0.4", Some(&evil));
    let changed = "verified github.com/evil/demo (release.yml) owner provenance-changed";
    assert_eq!(line(&scene.npm("1.0.4").await), format!("CAUTION {changed}"));
    // That version is none to compare with, so the next one still says it; a major release may be another program.
    scene.publish("1.0.5", Some(&evil));
    assert_eq!(line(&scene.npm("1.0.5").await), format!("CAUTION {changed}"));
    scene.publish("2.0.0", Some(&evil));
    assert_eq!(line(&scene.npm("2.0.0").await), format!("MONITORED {changed}"));
    scene.publish("2.0.1", Some(&evil));
    assert_eq!(line(&scene.npm("2.0.1").await), "CLEAR verified github.com/evil/demo (release.yml) -");

    let scene = Scene::new();
    scene.publish("1.0.0", Some(&acme));
    scene.npm("1.0.0").await;
    scene.publish("1.0.1", Some(&acme.clone().workflow("publish.yml")));
    let expect = "MONITORED verified github.com/acme/demo (publish.yml) workflow provenance-changed";
    assert_eq!(line(&scene.npm("1.0.1").await), expect);
    // Unavailable is no loss.
    scene.publish("1.0.2", Some(&acme));
    scene.eco.npm.server.misbehave("/-/npm/v1/attestations/demo@1.0.2", Misbehaviour::Status(500));
    assert_eq!(line(&scene.npm("1.0.2").await), "CLEAR unavailable - -");
}
