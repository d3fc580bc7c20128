//! Attestations from fake ecosystems that misbehave: what is served, what is not, and who is asked.

use std::time::Duration;

use serde_json::json;
use sigma_core::{Distribution, PackageId};
use sigma_ecosystem::{Attestations, EcosystemConfig, Ecosystems};
use sigma_testkit::{Built, FakeEcosystem, Misbehaviour, NpmTarball, Wheel};
use url::Url;

struct Scene {
    eco: FakeEcosystem,
    config: EcosystemConfig,
    _folder: tempfile::TempDir,
    wheel: (Built, Distribution),
    tarball: Distribution,
}

const NPM: &str = "/-/npm/v1/attestations/@s/n@1.0.0";

impl Scene {
    fn new() -> Self {
        let url = |text: &str| Url::parse(text).unwrap();
        let (eco, folder) = (FakeEcosystem::start(), tempfile::tempdir().unwrap());
        let mut config = EcosystemConfig::official(folder.path().join("cache"));
        config.pypi_index = url(&eco.pypi.index_url());
        config.pypi_json = url(&eco.pypi.json_url());
        config.npm_registry = url(&eco.npm.registry_url());
        config.file_hosts = Vec::new();
        config.first_pause = Duration::from_millis(1);
        let built = Wheel::new("Demo.Pkg", "1.0").build();
        let wheel = (built.clone(), eco.pypi.add(built));
        let tarball = eco.npm.add(NpmTarball::new("@s/n", "1.0.0").build());
        Self { eco, config, _folder: folder, wheel, tarball }
    }

    async fn ask(&self, package: &str, file: &Distribution) -> Attestations {
        let package: PackageId = package.parse().unwrap();
        let ecosystems = Ecosystems::new(self.config.clone()).unwrap();
        let mut answers = ecosystems.attestations(&package, std::slice::from_ref(file)).await;
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    async fn npm(&self) -> Attestations {
        self.ask("npm:@s/n@1.0.0", &self.tarball).await
    }

    async fn pypi(&self) -> Attestations {
        self.ask("pypi:demo-pkg@1.0", &self.wheel.1).await
    }
}

fn unavailable(answer: &Attestations, part: &str) {
    match answer {
        Attestations::Unavailable { reason } => assert!(reason.contains(part), "{reason}"),
        other => panic!("got {other:?}, expected it to be unavailable: {part}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_is_fetched_from_the_configured_registry() {
    let scene = Scene::new();
    unavailable(&scene.npm().await, "tells neither of attestations nor of signatures");
    let scene = Scene::new();
    scene.eco.npm.sign();
    assert_eq!(scene.npm().await, Attestations::Absent);
    let scene = Scene::new();
    scene.eco.npm.attest("@s/n", "1.0.0", json!({"attestations": [7]}));
    assert_eq!(scene.npm().await, Attestations::Served(br#"{"attestations":[7]}"#.to_vec()));
    assert_eq!(scene.eco.npm.server.log().iter().filter(|asked| asked.path == NPM).count(), 1);
    unavailable(&scene.ask("npm:@s/n@9.9.9", &scene.tarball).await, "does not list the version");
    unavailable(&scene.ask("npm:nobody@1.0.0", &scene.tarball).await, "does not list the package");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_bounded_and_a_failure_is_no_absence() {
    let scene = Scene::new();
    scene.eco.npm.attest("@s/n", "1.0.0", json!({"padding": "x".repeat(1 << 20)}));
    unavailable(&scene.npm().await, "answered more than 1048576 bytes");
    for fault in [Misbehaviour::Status(404), Misbehaviour::Status(503), Misbehaviour::HalfBody] {
        let scene = Scene::new();
        scene.eco.npm.attest("@s/n", "1.0.0", json!({}));
        scene.eco.npm.server.misbehave(NPM, fault);
        unavailable(&scene.npm().await, "attestations are announced, and not served");
    }
    let mut scene = Scene::new();
    scene.eco.npm.attest("@s/n", "1.0.0", json!({}));
    scene.config.offline = true;
    unavailable(&scene.npm().await, "offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_says_where_provenance_is_and_other_hosts_are_not_asked() {
    let scene = Scene::new();
    unavailable(&scene.pypi().await, "version 1.1 of the Simple API");
    scene.eco.pypi.tell_of_provenance();
    assert_eq!(scene.pypi().await, Attestations::Absent);
    scene.eco.pypi.attest(&scene.wheel.0.filename, json!({"version": 1}));
    assert_eq!(scene.pypi().await, Attestations::Served(br#"{"version":1}"#.to_vec()));
    scene.eco.pypi.only_html();
    assert_eq!(scene.pypi().await, Attestations::Served(br#"{"version":1}"#.to_vec()));

    // A page that sends its readers elsewhere: the index under another name than the configured one.
    let mut scene = Scene::new();
    scene.eco.pypi.attest(&scene.wheel.0.filename, json!({"version": 1}));
    let elsewhere = scene.config.pypi_index.as_str().replace("127.0.0.1", "localhost");
    scene.config.pypi_index = Url::parse(&elsewhere).unwrap();
    scene.config.pypi_json = scene.config.pypi_index.clone();
    unavailable(&scene.pypi().await, "is not listed under `file_hosts`");
    assert!(scene.eco.pypi.server.log().iter().all(|asked| !asked.path.starts_with("/integrity/")));
}
