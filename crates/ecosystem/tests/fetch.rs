//! Fetching against ecosystems on loopback that misbehave in every way that they do in the wild.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use sigma_core::{Authority, Distribution, ExpectedDigest, HashAlgorithm, Sha256};
use sigma_ecosystem::{Artifact, EcosystemConfig, FetchError, Hashed, Http, HttpError};
use sigma_testkit::{Built, FakeEcosystem, Misbehaviour, NpmTarball, Wheel};
use url::Url;

const WHEEL: &str = "/files/demo-1.0-py3-none-any.whl";
const TARBALL: &str = "/@s/n/-/n-1.0.0.tgz";

/// Both ecosystems, one wheel and one tarball in them, a staging folder, and an impatient client.
struct Scene {
    eco: FakeEcosystem,
    config: EcosystemConfig,
    folder: tempfile::TempDir,
    built: Built,
    wheel: Distribution,
    tarball: Distribution,
}

impl Scene {
    fn new() -> Self {
        let eco = FakeEcosystem::start();
        let folder = tempfile::tempdir().unwrap();
        let mut config = EcosystemConfig::official(folder.path().join("cache"));
        config.pypi_index = url(&eco.pypi.index_url());
        config.pypi_json = url(&eco.pypi.json_url());
        config.npm_registry = url(&eco.npm.registry_url());
        config.file_hosts = Vec::new();
        config.first_pause = Duration::from_millis(1);
        config.read_timeout = Duration::from_secs(10);
        let built = Wheel::new("demo", "1.0").file("demo/data.bin", noise(300_000)).build();
        let wheel = eco.pypi.add(built.clone());
        let tarball = eco.npm.add(NpmTarball::new("@s/n", "1.0.0").file("data.bin", noise(100_000)).build());
        Self { eco, config, folder, built, wheel, tarball }
    }

    fn http(&self) -> Http {
        Http::new(Arc::new(self.config.clone())).unwrap()
    }

    fn staging(&self) -> std::path::PathBuf {
        self.folder.path().join("staging")
    }

    fn len(&self) -> u64 {
        self.built.bytes.len() as u64
    }

    async fn fetch(&self, distribution: &Distribution, pinned: &[ExpectedDigest]) -> Result<Artifact, FetchError> {
        self.http().fetch(distribution, pinned, &self.staging(), &|_| {}).await
    }

    /// Fetches the wheel, and checks that it is the published one.
    async fn succeeds(&self) {
        let artifact = self.fetch(&self.wheel, &[]).await.unwrap();
        assert_eq!(std::fs::read(artifact.path()).unwrap(), self.built.bytes);
        assert_eq!(artifact.digests().sha256, self.built.sha256());
    }

    /// Fails to fetch, and says why, with what differs from run to run taken out.
    async fn fails(&self, distribution: &Distribution, pinned: &[ExpectedDigest]) -> String {
        self.plain(&self.fetch(distribution, pinned).await.unwrap_err())
    }

    fn plain(&self, error: &dyn std::error::Error) -> String {
        let text = error.to_string().replace(&self.eco.pypi.server.origin(), "http://pypi");
        let text = text.replace(&self.eco.npm.server.origin(), "http://npm");
        text.replace(&self.folder.path().display().to_string(), "<folder>")
    }

    /// What is in the staging folder.
    fn staged(&self) -> Vec<std::path::PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.staging()) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Breaks the wheel's download off in the middle of its only attempt, and says where its first half is.
    async fn broken_off(&mut self) -> std::path::PathBuf {
        self.eco.pypi.server.misbehave(WHEEL, Misbehaviour::HalfBody).times(1);
        let attempts = std::mem::replace(&mut self.config.attempts, 1);
        self.fetch(&self.wheel, &[]).await.unwrap_err();
        self.config.attempts = attempts;
        let [partial] = self.staged().try_into().unwrap();
        assert!(partial.to_str().unwrap().ends_with("-demo-1.0-py3-none-any.whl.partial"), "{partial:?}");
        assert_eq!(std::fs::metadata(&partial).unwrap().len(), self.len() / 2);
        partial
    }

    /// The `Range` of every request for the wheel.
    fn ranges(&self) -> Vec<Option<String>> {
        self.eco.pypi.server.log().into_iter().map(|asked| asked.range).collect()
    }

    fn second_half(&self) -> Option<String> {
        Some(format!("bytes={}-", self.len() / 2))
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// Bytes that do not compress (xorshift).
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(step).collect()
}

fn sha384(bytes: &[u8]) -> ExpectedDigest {
    use sha2::Digest as _;
    ExpectedDigest::new(HashAlgorithm::Sha384, sha2::Sha384::digest(bytes).to_vec()).unwrap()
}

#[tokio::test]
async fn a_distribution_is_fetched_once_and_is_alone_in_the_staging_folder() {
    let scene = Scene::new();
    let heard = AtomicU64::new(0);
    let progress = |bytes| {
        heard.fetch_add(bytes, Ordering::Relaxed);
    };
    let artifact = scene.http().fetch(&scene.wheel, &[], &scene.staging(), &progress).await.unwrap();
    assert_eq!(scene.staged(), [artifact.path()]);
    assert_eq!(std::fs::read(artifact.path()).unwrap(), scene.built.bytes);
    assert_eq!(artifact.distribution(), &scene.wheel);
    assert_eq!(artifact.digests().size, scene.len());
    assert_eq!(artifact.digests().sha512, scene.built.sha512());
    assert_eq!(artifact.digests().sha1, scene.built.sha1());
    assert_eq!(heard.into_inner(), scene.len());
    assert_eq!(scene.ranges(), [None]);
    let tarball = scene.fetch(&scene.tarball, &[]).await.unwrap();
    assert_eq!(scene.tarball.published, [tarball.digests().sha512.into(), tarball.digests().sha1.into()]);
    assert_eq!((scene.eco.pypi.downloads(), scene.eco.npm.downloads()), (1, 1));
}

#[tokio::test]
async fn what_is_worth_retrying_is_retried() {
    for what in [Misbehaviour::Status(500), Misbehaviour::Status(408), Misbehaviour::Busy(503, 0), Misbehaviour::Silent]
    {
        let mut scene = Scene::new();
        scene.config.read_timeout = Duration::from_millis(500);
        scene.eco.pypi.server.misbehave(WHEEL, what).times(2);
        scene.succeeds().await;
        assert_eq!(scene.eco.pypi.downloads(), 3);
    }
}

#[tokio::test]
async fn retries_end() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Status(500));
    assert_snapshot!(scene.fails(&scene.wheel, &[]).await, @"http://pypi/files/demo-1.0-py3-none-any.whl answered 500");
    assert_eq!(scene.eco.pypi.downloads(), scene.config.attempts);
    assert!(scene.staged().is_empty(), "{:?}", scene.staged());
}

#[tokio::test]
async fn what_is_not_worth_retrying_is_not() {
    for status in [400, 401, 403, 404, 410, 501] {
        let scene = Scene::new();
        scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Status(status));
        let error = scene.fetch(&scene.wheel, &[]).await.unwrap_err();
        assert!(matches!(error, FetchError::Http(HttpError::Status { status: got, .. }) if got == status), "{error}");
        assert_eq!(scene.eco.pypi.downloads(), 1);
    }
}

#[tokio::test]
async fn a_silent_server_is_left() {
    let mut scene = Scene::new();
    scene.config.attempts = 2;
    scene.config.read_timeout = Duration::from_millis(100);
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Silent);
    let start = Instant::now();
    let why = scene.fails(&scene.wheel, &[]).await;
    assert!(why.starts_with("http://pypi/files/demo-1.0-py3-none-any.whl cannot be reached: timed out"), "{why}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(scene.eco.pypi.downloads(), 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_continued() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::HalfBody).times(1);
    scene.succeeds().await;
    assert_eq!(scene.ranges(), [None, scene.second_half()]);
    assert_eq!(scene.eco.pypi.server.bytes_sent("/files/"), scene.len());
}

#[tokio::test]
async fn a_server_that_cannot_continue_is_asked_for_the_whole() {
    for (what, requests) in [(Misbehaviour::NoRange, 2), (Misbehaviour::WrongRange, 3), (Misbehaviour::Status(416), 3)]
    {
        let scene = Scene::new();
        scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::HalfBody).times(1);
        scene.eco.pypi.server.misbehave(WHEEL, what).times(1);
        scene.succeeds().await;
        assert_eq!(scene.ranges()[..2], [None, scene.second_half()]);
        assert_eq!(scene.ranges().len(), requests);
    }
}

#[tokio::test]
async fn an_earlier_run_is_continued() {
    let mut scene = Scene::new();
    scene.broken_off().await;
    scene.succeeds().await;
    assert_eq!(scene.ranges(), [None, scene.second_half()]);
    assert_eq!(scene.eco.pypi.server.bytes_sent("/files/"), scene.len());
    assert_eq!(scene.staged().len(), 1);
}

#[tokio::test]
async fn a_whole_file_of_an_earlier_run_is_not_fetched_again() {
    let mut scene = Scene::new();
    let partial = scene.broken_off().await;
    std::fs::write(partial, &scene.built.bytes).unwrap();
    scene.succeeds().await;
    assert_eq!(scene.eco.pypi.downloads(), 1);
}

#[tokio::test]
async fn a_stale_partial_is_not_the_ecosystems_fault() {
    let length = Scene::new().built.bytes.len();
    // (left-over bytes, requests of the second run)
    for (left, requests) in [(length / 2, 2), (length, 1), (length + 1, 1)] {
        let mut scene = Scene::new();
        let partial = scene.broken_off().await;
        std::fs::write(partial, vec![b'?'; left]).unwrap();
        scene.succeeds().await;
        assert_eq!(scene.eco.pypi.downloads() - 1, requests, "{left}");
        assert_eq!(scene.ranges().last(), Some(&None));
    }
}

#[tokio::test]
async fn a_resumed_download_that_stays_wrong_is_a_mismatch() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::HalfBody).times(1);
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::WrongBytes);
    let error = scene.fetch(&scene.wheel, &[]).await.unwrap_err();
    assert!(matches!(error, FetchError::Mismatch(_)), "{error}");
    assert_eq!(scene.ranges(), [None, scene.second_half(), None]);
    assert!(scene.staged().is_empty());
}

#[tokio::test]
async fn wrong_bytes_are_never_retried_into_right_ones() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::WrongBytes).times(1);
    let FetchError::Mismatch(mismatch) = scene.fetch(&scene.wheel, &[]).await.unwrap_err() else {
        panic!("expected a mismatch")
    };
    let wrong: Vec<u8> = scene.built.bytes.iter().map(|byte| byte ^ 0x55).collect();
    assert_eq!(mismatch.filename, scene.wheel.filename);
    assert_eq!(mismatch.got, format!("sha256:{}", Sha256::of(&wrong)));
    assert_eq!(mismatch.expected, format!("sha256:{}", scene.built.sha256()));
    assert_eq!(mismatch.authority, Authority::Ecosystem);
    assert_eq!(scene.eco.pypi.downloads(), 1);
    assert!(scene.staged().is_empty());
}

#[tokio::test]
async fn a_wrong_size_is_a_mismatch() {
    let mut scene = Scene::new();
    scene.wheel.size = Some(10);
    assert_snapshot!(
        scene.fails(&scene.wheel, &[]).await,
        @"demo-1.0-py3-none-any.whl: got more than 10 bytes, expected 10 bytes (published by the ecosystem)"
    );
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Shorter(7));
    let why = scene.fails(&scene.wheel, &[]).await;
    let expected = format!("got 7 bytes, expected {} bytes (published by the ecosystem)", scene.len());
    assert!(why.ends_with(&expected), "{why}");
    // Without a published size (npm), the digest tells.
    scene.eco.npm.server.misbehave(TARBALL, Misbehaviour::Longer(1)).times(1);
    let error = scene.fetch(&scene.tarball, &[]).await.unwrap_err();
    assert!(matches!(&error, FetchError::Mismatch(wrong) if wrong.got.starts_with("sha512:")), "{error}");
    assert_eq!((scene.eco.pypi.downloads(), scene.eco.npm.downloads()), (1, 1));
    assert!(scene.staged().is_empty());
}

#[tokio::test]
async fn nothing_above_the_limit_is_read() {
    let mut scene = Scene::new();
    scene.config.max_distribution_bytes = 50_000;
    assert_snapshot!(
        scene.fails(&scene.wheel, &[]).await,
        @"http://pypi/files/demo-1.0-py3-none-any.whl answered more than 50000 bytes"
    );
    assert_eq!(scene.eco.pypi.downloads(), 0);
    assert_snapshot!(
        scene.fails(&scene.tarball, &[]).await,
        @"http://npm/@s/n/-/n-1.0.0.tgz answered more than 50000 bytes"
    );
    assert_eq!(scene.eco.npm.downloads(), 1);
    assert!(scene.staged().is_empty());
}

#[tokio::test]
async fn redirects_lead_only_where_they_may() {
    let scene = Scene::new();
    let elsewhere = FakeEcosystem::start().pypi;
    elsewhere.add(scene.built.clone());
    let port = elsewhere.server.port();
    let check = async |to: String, expect: &str| {
        scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Redirect(to)).times(1);
        let before = scene.eco.pypi.downloads();
        let why = scene.fails(&scene.wheel, &[]).await.replace(&port.to_string(), "<port>");
        let why = why.strip_prefix("http://pypi/files/demo-1.0-py3-none-any.whl redirects to ").unwrap();
        assert_eq!(why.split(", which is not followed").next(), Some(expect));
        assert_eq!(scene.eco.pypi.downloads(), before + 1, "a refused redirect is not retried");
    };
    check(format!("{}{WHEEL}", elsewhere.server.origin()), "http://127.0.0.1:<port>/files/demo-1.0-py3-none-any.whl")
        .await;
    check(format!("http://localhost:{port}/x?token=secret#y"), "http://localhost:<port>/x").await;
    check(format!("https://127.0.0.1:{port}/x"), "https://127.0.0.1:<port>/x").await;
    check("file:///etc/passwd".to_owned(), "file:///etc/passwd").await;
    check(format!("http://user:pass@127.0.0.1:{port}/x"), "http://127.0.0.1:<port>/x").await;
    check("//169.254.169.254/latest/meta-data".to_owned(), "http://169.254.169.254/latest/meta-data").await;
    assert_eq!(elsewhere.server.total_requests(), 0);
}

#[tokio::test]
async fn redirects_end() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Redirect(WHEEL.to_owned()));
    let error = scene.fetch(&scene.wheel, &[]).await.unwrap_err();
    assert!(matches!(error, FetchError::Http(HttpError::Redirect { .. })), "{error}");
    assert_eq!(scene.eco.pypi.downloads(), 6);
}

#[tokio::test]
async fn a_listed_host_is_followed_without_the_credentials() {
    let mut scene = Scene::new();
    let elsewhere = FakeEcosystem::start().pypi;
    elsewhere.add(scene.built.clone());
    scene.config.file_hosts = vec![format!("127.0.0.1:{}", elsewhere.server.port())];
    scene.config.pypi_index.set_username("reader").unwrap();
    scene.config.pypi_index.set_password(Some("s3cret")).unwrap();
    let to = format!("{}{WHEEL}", elsewhere.server.origin());
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Redirect(to)).times(1);
    scene.succeeds().await;
    // printf reader:s3cret | base64
    let sent = |log: Vec<sigma_testkit::Asked>| log.into_iter().map(|asked| asked.authorization).collect::<Vec<_>>();
    assert_eq!(sent(scene.eco.pypi.server.log()), [Some("Basic cmVhZGVyOnMzY3JldA==".to_owned())]);
    assert_eq!(sent(elsewhere.server.log()), [None]);
    // The listed host is also asked directly, and the npm registry never hears of PyPI's credentials.
    let direct = Distribution { url: format!("{}{WHEEL}", elsewhere.server.origin()), ..scene.wheel.clone() };
    scene.fetch(&direct, &[]).await.unwrap();
    scene.fetch(&scene.tarball, &[]).await.unwrap();
    assert_eq!(sent(elsewhere.server.log()), [None, None]);
    assert_eq!(sent(scene.eco.npm.server.log()), [None]);
}

#[tokio::test]
async fn credentials_are_in_no_error() {
    let mut scene = Scene::new();
    scene.config.attempts = 1;
    scene.config.read_timeout = Duration::from_millis(200);
    scene.config.pypi_index.set_password(Some("s3cret")).unwrap();
    let index = scene.config.pypi_index.join("demo/?token=s3cret").unwrap();
    let faults = [
        Misbehaviour::Status(403),
        Misbehaviour::Silent,
        Misbehaviour::HalfBody,
        Misbehaviour::Redirect("http://x:s3cret@elsewhere/?s3cret".to_owned()),
    ];
    for what in faults {
        scene.eco.pypi.server.misbehave_everywhere(what.clone()).times(2);
        let error = scene.http().get(&index, "text/html").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        let error = scene.fetch(&scene.wheel, &[]).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn addresses_outside_the_configuration_are_not_asked() {
    let mut scene = Scene::new();
    let origin = scene.eco.pypi.server.origin();
    let bare = origin.strip_prefix("http://").unwrap().to_owned();
    let check = async |scene: &Scene, url: &str, expect: &str| {
        let why = scene.fails(&Distribution { url: url.to_owned(), ..scene.wheel.clone() }, &[]).await;
        assert!(why.ends_with(expect), "{url}: {why}");
    };
    check(&scene, "file:///etc/passwd", "got scheme `file`, expected https").await;
    check(&scene, "ftp://pypi.org/x", "got scheme `ftp`, expected https").await;
    check(&scene, "https://elsewhere/x", "the host elsewhere is not listed under `file_hosts`").await;
    check(&scene, "http://127.0.0.1:1/x", "the host 127.0.0.1:1 is not listed under `file_hosts`").await;
    check(&scene, &format!("http://me:pw@{bare}{WHEEL}"), "it brings credentials of its own").await;
    check(&scene, "no url", "relative URL without a base").await;
    scene.config.npm_registry = url("https://registry.npmjs.org/");
    scene.config.file_hosts = vec!["files.example".to_owned()];
    let plain = "it is plain http, where the ecosystem is asked over https";
    check(&scene, "http://files.example/x", plain).await;
    assert_eq!(scene.eco.pypi.server.total_requests(), 0);
    let error = scene.http().get(&url("http://files.example/x"), "*/*").await.unwrap_err();
    assert!(error.to_string().ends_with(plain), "{error}");
}

#[tokio::test]
async fn offline_means_offline() {
    let mut scene = Scene::new();
    scene.config.offline = true;
    assert_snapshot!(
        scene.fails(&scene.wheel, &[]).await,
        @"http://pypi/files/demo-1.0-py3-none-any.whl is not cached, and the run is offline"
    );
    assert_eq!(scene.eco.pypi.server.total_requests(), 0);
}

#[tokio::test]
async fn a_body_in_another_encoding_is_an_error_and_not_a_mismatch() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Encoded("gzip"));
    assert_snapshot!(
        scene.fails(&scene.wheel, &[]).await,
        @"http://pypi/files/demo-1.0-py3-none-any.whl answered something else than the file's own bytes: they are encoded as gzip"
    );
    assert_eq!(scene.eco.pypi.downloads(), 1);
}

#[tokio::test]
async fn a_trickle_is_cut_off_and_continued_later() {
    let mut scene = Scene::new();
    scene.config.fetch_timeout = Duration::from_millis(500);
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::Slow(20_000)).times(1);
    assert_snapshot!(
        scene.fails(&scene.wheel, &[]).await,
        @"http://pypi/files/demo-1.0-py3-none-any.whl cannot be reached: not done within 500ms"
    );
    // The task that writes ends a moment after the fetch was cut off, and only then leaves the file to others.
    let [partial] = scene.staged().try_into().unwrap();
    let file = std::fs::File::open(partial).unwrap();
    while file.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(file);
    scene.config.fetch_timeout = Duration::from_secs(30);
    scene.succeeds().await;
    let ranges = scene.ranges();
    assert!(matches!(ranges.as_slice(), [None, Some(_)]), "{ranges:?}");
}

#[tokio::test]
async fn what_nobody_vouches_for_is_not_fetched() {
    let mut scene = Scene::new();
    scene.tarball.published.retain(|digest| digest.algorithm() == HashAlgorithm::Sha1);
    assert_snapshot!(
        scene.fails(&scene.tarball, &[]).await,
        @"n-1.0.0.tgz: the ecosystem publishes no sha256, sha384 or sha512 for it, so its bytes cannot be verified"
    );
    assert_eq!(scene.eco.npm.downloads(), 0);
}

#[tokio::test]
async fn one_pinned_digest_has_to_hold() {
    let scene = Scene::new();
    let right = || scene.built.clone();
    let wrong: ExpectedDigest = Sha256::of(b"other").into();
    for pinned in [
        vec![wrong.clone(), right().sha256().into()],
        vec![right().sha1().into()],
        vec![wrong.clone(), sha384(&right().bytes)],
        vec![right().sha512().into(), right().sha256().into()],
    ] {
        scene.fetch(&scene.wheel, &pinned).await.unwrap_or_else(|error| panic!("{pinned:?}: {error}"));
    }
    let before = scene.staged().len();
    for pinned in [
        vec![wrong.clone()],
        vec![wrong, right().sha1().into()],
        vec![sigma_core::Sha1::from_bytes([0; 20]).into()],
        vec![sha384(b"other")],
    ] {
        let FetchError::Mismatch(mismatch) = scene.fetch(&scene.wheel, &pinned).await.unwrap_err() else {
            panic!("{pinned:?}: expected a mismatch")
        };
        assert_eq!(mismatch.authority, Authority::Project);
        assert_eq!(mismatch.expected, pinned[0].to_string());
    }
    assert_eq!(scene.staged().len(), before);
}

#[tokio::test]
async fn a_stored_copy_is_verified_again() {
    let scene = Scene::new();
    let copy = scene.folder.path().join("copy");
    std::fs::write(&copy, &scene.built.bytes).unwrap();
    let verified = |distribution: &Distribution, pinned: &[ExpectedDigest]| {
        Artifact::verified(distribution.clone(), pinned, Hashed::read(&copy).unwrap())
    };
    assert_eq!(verified(&scene.wheel, &[]).unwrap().digests().sha256, scene.built.sha256());
    verified(&scene.wheel, &[sha384(&scene.built.bytes)]).unwrap();
    let published = vec![sha384(&scene.built.bytes)];
    verified(&Distribution { published: published.clone(), ..scene.wheel.clone() }, &[]).unwrap();
    // Every published digest has to hold, the weak one too.
    let published = [published, vec![sigma_core::Sha1::from_bytes([0; 20]).into()]].concat();
    let error = verified(&Distribution { published, ..scene.wheel.clone() }, &[]).unwrap_err();
    assert!(matches!(&error, FetchError::Mismatch(wrong) if wrong.got.starts_with("sha1:")), "{error}");
    std::fs::write(&copy, "tampered with").unwrap();
    assert!(matches!(verified(&scene.wheel, &[]), Err(FetchError::Mismatch(_))));
    assert!(Hashed::read(Path::new("/nowhere")).is_err());
}

#[tokio::test]
async fn only_so_many_requests_are_under_way() {
    let mut scene = Scene::new();
    scene.config.parallel_requests = 3;
    let many: Vec<_> = (0..12)
        .map(|n| scene.eco.pypi.add(Wheel::new(&format!("many{n}"), "1.0").file("x.bin", noise(4_000)).build()))
        .collect();
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Slow(40_000));
    let (http, staging) = (scene.http(), scene.staging());
    let fetches = many.iter().map(|distribution| http.fetch(distribution, &[], &staging, &|_| {}));
    for fetched in futures::future::join_all(fetches).await {
        fetched.unwrap();
    }
    assert_eq!(scene.eco.pypi.server.most_at_once(), 3);
    assert_eq!(scene.staged().len(), 12);
}

#[tokio::test]
async fn two_fetches_of_one_file_do_not_disturb_each_other() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave(WHEEL, Misbehaviour::HalfBody).times(1);
    let (http, staging) = (scene.http(), scene.staging());
    let fetches = (0..4).map(|_| http.fetch(&scene.wheel, &[], &staging, &|_| {}));
    let fetched: Vec<_> = futures::future::join_all(fetches).await.into_iter().map(Result::unwrap).collect();
    for artifact in fetched {
        assert_eq!(std::fs::read(artifact.path()).unwrap(), scene.built.bytes);
        std::fs::remove_file(artifact.path()).unwrap();
    }
    assert!(scene.staged().is_empty(), "{:?}", scene.staged());
}

#[tokio::test]
async fn a_hostile_file_name_stays_in_the_staging_folder() {
    let scene = Scene::new();
    let long = "x".repeat(5_000);
    for name in ["../../../up", "/etc/passwd", "a\0b\nc", "..", "", long.as_str(), "é🦀"] {
        let distribution = Distribution { filename: name.to_owned(), ..scene.wheel.clone() };
        let artifact = scene.fetch(&distribution, &[]).await.unwrap();
        assert_eq!(artifact.path().parent(), Some(scene.staging().as_path()));
    }
}

#[tokio::test]
async fn our_own_disk_is_named() {
    let scene = Scene::new();
    std::fs::write(scene.staging(), "a file where a folder should be").unwrap();
    let error = scene.fetch(&scene.wheel, &[]).await.unwrap_err();
    assert!(matches!(error, FetchError::Io { .. }), "{error}");
    assert!(error.to_string().contains(".whl"), "{error}");
    assert_eq!(scene.eco.pypi.downloads(), 0);
}

#[tokio::test]
async fn metadata_is_asked_for_patiently() {
    let mut scene = Scene::new();
    scene.config.read_timeout = Duration::from_millis(500);
    let index = url(&format!("{}demo/", scene.eco.pypi.index_url()));
    let server = &scene.eco.pypi.server;
    for what in [Misbehaviour::Status(502), Misbehaviour::HalfBody, Misbehaviour::Silent] {
        server.misbehave_everywhere(what).times(2);
        let page = scene.http().get(&index, "text/html").await.unwrap();
        assert!(page.starts_with(b"<!DOCTYPE html>"));
    }
    assert_eq!(server.requests("/simple/demo/"), 9);

    server.misbehave_everywhere(Misbehaviour::Busy(429, 1)).times(1);
    let start = Instant::now();
    scene.http().get(&index, "text/html").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "Retry-After was not honoured");

    let missing = scene.http().get(&url(&format!("{}nothing/", scene.eco.pypi.index_url())), "*/*").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert_eq!(server.requests("/simple/nothing/"), 1);

    scene.config.max_metadata_bytes = 100;
    let error = scene.http().get(&index, "text/html").await.unwrap_err();
    assert_snapshot!(scene.plain(&error), @"http://pypi/simple/demo/ answered more than 100 bytes");
}

#[tokio::test]
async fn a_metadata_request_ends_in_time() {
    let mut scene = Scene::new();
    scene.config.total_timeout = Duration::from_millis(300);
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Busy(503, 3600));
    let error = scene.http().get(&scene.config.pypi_index.join("demo/").unwrap(), "*/*").await.unwrap_err();
    assert_snapshot!(scene.plain(&error), @"http://pypi/simple/demo/ cannot be reached: not done within 300ms");
}

#[tokio::test]
async fn json_is_posted() {
    let scene = Scene::new();
    scene.eco.npm.advisories("@s/n", "1.0.0", serde_json::json!({"id": 7}));
    let bulk = scene.config.npm_registry.join("-/npm/v1/security/advisories/bulk").unwrap();
    let asked = serde_json::json!({"@s/n": ["1.0.0"]});
    scene.eco.npm.server.misbehave_everywhere(Misbehaviour::Status(500)).times(1);
    let answer = scene.http().post_json(&bulk, &asked).await.unwrap();
    assert_eq!(answer, br#"{"@s/n":[{"id":7}]}"#);
    scene.eco.npm.bulk_advisories(false);
    let error = scene.http().post_json(&bulk, &asked).await.unwrap_err();
    assert!(matches!(error, HttpError::Status { status: 405, .. }), "{error}");
}
