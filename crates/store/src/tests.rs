//! The store's promises, on a fresh database each.

mod anchors;
mod announced;
mod backups;
mod buckets;
mod claims;
mod listening;
mod lookups;
mod operators;

use std::time::Duration;

use sigma_certificate::{Action, CoverageSummary, DistributionEntry, PackageCertificate, PackagePayload};
use sigma_core::*;

use crate::*;

fn digests(content: &[u8]) -> Digests {
    let mut sha512 = [0; 64];
    sha512[..32].copy_from_slice(Sha256::of(content).as_bytes());
    Digests {
        sha256: Sha256::of(content),
        sha512: Sha512::from_bytes(sha512),
        sha1: Sha1::from_bytes([7; 20]),
        size: content.len() as u64,
    }
}

pub(crate) fn sealed(package: &str, content: &[u8], ruleset: &str, at: i64) -> Sealed {
    let package: PackageId = package.parse().unwrap();
    let digests = digests(content);
    let zero = Sha256::of(b"");
    let coverage = CoverageSummary::from(&Coverage::default());
    let payload = PackagePayload {
        schema: PackagePayload::schema(),
        registry_source: package.ecosystem(),
        package_name: package.name().to_string(),
        package_version: package.version().to_owned(),
        distribution_sha256: digests.sha256,
        council_verdict: CouncilVerdict::Approved,
        security_level: SecurityLevel::Clear,
        retained_warnings: vec![],
        analysis_type: AnalysisType::Full,
        certified_at: Timestamp::from_millis(at),
        file_set_hash: zero,
        distributions: vec![DistributionEntry {
            filename: "d.whl".to_owned(),
            kind: DistributionKind::Wheel,
            size: digests.size,
            sha256: digests.sha256,
            sha512: digests.sha512,
            sha1: digests.sha1,
            file_set_hash: zero,
            coverage,
        }],
        unread_distributions: vec![],
        capabilities: vec![],
        install_hooks: vec![],
        yanked: None,
        deprecated: None,
        publisher: None,
        maintainers: None,
        delta: None,
        registry_advisory_state: "unavailable".to_owned(),
        registry_advisory_source: "test".to_owned(),
        registry_advisories_at: Timestamp::from_millis(at),
        registry_advisory_count: None,
        registry_advisory_highest_severity: None,
        registry_advisory_summary: "s".to_owned(),
        registry_advisories: vec![],
        round_id: "rnd_x".to_owned(),
        ballots: vec![],
        council_rationale: "r".to_owned(),
        ruleset_version: ruleset.to_owned(),
        report_hash: zero,
        supersedes: None,
        execution: None,
        disclosures: vec![],
        upstream_provenance: None,
    };
    Sealed { certificate: PackageCertificate::seal(payload).unwrap(), report: b"{}".to_vec(), round: b"{}".to_vec() }
}

/// A place for a store that can be opened more than once: on SQLite, or on PostgreSQL where there is one to test with.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    database: Database,
}

impl Place {
    pub(crate) fn new() -> Self {
        let database = sigma_testkit::fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        Self { folder: tempfile::tempdir().unwrap(), database }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(self.folder.path(), &self.database).await.unwrap()
    }
}

pub(crate) async fn store() -> (Place, Store) {
    let place = Place::new();
    let store = place.open().await;
    (place, store)
}

#[tokio::test]
async fn a_certificate_is_stored_once_and_verbatim() {
    let (place, store) = store().await;
    let first = sealed("pypi:demo@1.0", b"bytes", "r1", 1);
    let second = sealed("pypi:demo@1.0", b"bytes", "r1", 2);
    assert_eq!(store.insert(&first).await.unwrap().id(), first.certificate.id());
    assert_eq!(store.insert(&second).await.unwrap().id(), first.certificate.id(), "the first one stays");

    drop(store);
    let store = place.open().await;
    let read = store.certificate(first.certificate.id()).await.unwrap().unwrap();
    assert_eq!(read.certificate.canonical(), first.certificate.canonical());
    assert_eq!(store.certificate(second.certificate.id()).await.unwrap().map(|_| ()), None);
}

#[tokio::test]
async fn lookup_needs_the_same_bytes_name_version_and_ruleset() {
    let (_place, store) = store().await;
    store.insert(&sealed("pypi:demo@1.0", b"one", "r1", 1)).await.unwrap();
    let check = async |package: &str, digest: ExpectedDigest, ruleset: &str| {
        let package: PackageId = package.parse().unwrap();
        let digests = [digest];
        let wanted = [Wanted { package: &package, digests: &digests }];
        store.lookup(&wanted, ruleset).await.unwrap().contains_key(&0)
    };
    assert!(check("pypi:demo@1.0", Sha256::of(b"one").into(), "r1").await);
    assert!(check("pypi:demo@1.0", digests(b"one").sha512.into(), "r1").await);
    assert!(!check("pypi:demo@1.0", digests(b"one").sha1.into(), "r1").await, "SHA-1 identifies nothing");
    assert!(!check("pypi:demo@1.0", Sha256::of(b"two").into(), "r1").await);
    assert!(!check("pypi:demo@1.1", Sha256::of(b"one").into(), "r1").await);
    assert!(!check("pypi:omed@1.0", Sha256::of(b"one").into(), "r1").await);
    assert!(!check("pypi:demo@1.0", Sha256::of(b"one").into(), "r2").await);
}

#[tokio::test]
async fn changed_bytes_are_noticed() {
    let (_place, store) = store().await;
    let sealed = sealed("npm:demo@1.0.0", b"one", "r1", 1);
    store.insert(&sealed).await.unwrap();
    let changed = String::from_utf8(sealed.certificate.canonical().to_vec()).unwrap().replace("CLEAR", "CAUTION");
    sqlx::query("UPDATE certificate SET payload = $1")
        .bind(changed.into_bytes())
        .execute(&store.database.pool)
        .await
        .unwrap();
    let error = store.certificate(sealed.certificate.id()).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_claim_keeps_others_waiting() {
    let (place, store) = store().await;
    let package: PackageId = "npm:demo@1.0.0".parse().unwrap();
    let claim = store.claim(&package).await.unwrap();
    let other = place.open().await;
    let waiting = tokio::spawn(async move { other.claim(&"npm:demo@1.0.0".parse().unwrap()).await.map(|_| ()) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(claim);
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn blobs_are_found_by_strong_digests_while_their_bytes_are_there() {
    let (_place, store) = store().await;
    let staged = store.staging().join("x.partial");
    std::fs::write(&staged, b"bytes").unwrap();
    let digests = digests(b"bytes");
    let blob = store.blobs().adopt(&staged, &digests).await.unwrap();
    assert_eq!(std::fs::read(&blob.path).unwrap(), b"bytes");
    assert!(!staged.exists());
    let find = async |digest: ExpectedDigest| store.blobs().find(&[digest]).await.unwrap();
    assert_eq!(find(digests.sha256.into()).await, Some(blob.clone()));
    assert_eq!(find(digests.sha512.into()).await, Some(blob.clone()));
    assert_eq!(find(digests.sha1.into()).await, None);
    std::fs::remove_file(&blob.path).unwrap();
    assert_eq!(find(digests.sha256.into()).await, None);
}

#[tokio::test]
async fn incidents_and_graphs_are_remembered() {
    let (_place, store) = store().await;
    let package: PackageId = "npm:demo@1.0.0".parse().unwrap();
    let incident = Incident {
        filename: "demo-1.0.0.tgz".to_owned(),
        expected: "sha512:aa".to_owned(),
        got: "sha512:bb".to_owned(),
        authority: Authority::Ecosystem,
        seen_at: Timestamp::from_millis(5),
    };
    store.record_incident(&package, &incident).await.unwrap();
    store
        .record_incident(&package, &Incident { seen_at: Timestamp::from_millis(9), ..incident.clone() })
        .await
        .unwrap();
    let pinned = Incident { authority: Authority::Project, got: "sha512:cc".to_owned(), ..incident.clone() };
    store.record_incident(&package, &pinned).await.unwrap();
    assert_eq!(store.incidents_of(&[&package]).await.unwrap().remove(&package), Some(vec![incident]));

    let graph = Graph { packages: vec![], unresolved: vec![], excluded: vec!["x".to_owned()] };
    let key = Sha256::of(b"key");
    assert_eq!(store.resolution(key).await.unwrap(), None);
    store.remember_resolution(key, &graph, Timestamp::from_millis(1)).await.unwrap();
    store.remember_resolution(key, &graph, Timestamp::from_millis(2)).await.unwrap();
    assert_eq!(store.resolution(key).await.unwrap(), Some((graph, Timestamp::from_millis(2))));
}

#[tokio::test]
async fn a_package_is_compared_with_what_is_certified_and_not_blocked() {
    let (_place, store) = store().await;
    for (package, ruleset, at) in [("pypi:demo@1.0", "r1", 1), ("pypi:demo@1.1", "r2", 2), ("pypi:demo-x@1.0", "r1", 3)]
    {
        store.insert(&sealed(package, package.as_bytes(), ruleset, at)).await.unwrap();
    }
    let blocked = sealed("pypi:demo@1.2", b"other", "r2", 4);
    let mut payload = blocked.certificate.payload().clone();
    payload.security_level = SecurityLevel::Blocked;
    store.insert(&Sealed { certificate: PackageCertificate::seal(payload).unwrap(), ..blocked }).await.unwrap();
    let name = PackageName::new(Ecosystem::Pypi, "demo").unwrap();
    let versions = store.certified_versions(&name).await.unwrap();
    let versions: Vec<_> = versions.iter().map(|one| (one.version.as_str(), one.ruleset.as_str())).collect();
    assert_eq!(versions, [("1.1", "r2"), ("1.0", "r1")]);
}

pub(crate) fn decide(certificate: &str, action: Action, at: i64) -> NewDecision {
    let (reason, operator) = ("because".to_owned(), "ada".to_owned());
    NewDecision { certificate: certificate.to_owned(), action, reason, operator, at: Timestamp::from_millis(at) }
}

#[tokio::test]
async fn decisions_are_kept_in_order_and_for_good() {
    let (_place, store) = store().await;
    let sealed = sealed("pypi:demo@1.0", b"one", "r1", 1);
    store.insert(&sealed).await.unwrap();
    let id = sealed.certificate.id();
    assert_eq!(store.standing(id).await.unwrap(), None);
    assert_eq!(store.decide(&decide("pkg_unknown", Action::Revoke, 1)).await.unwrap(), None);
    // The clock may jump: the order of the log decides, not the time.
    store.decide(&decide(id, Action::Override(SecurityLevel::Caution), 9)).await.unwrap();
    store.decide(&decide(id, Action::Revoke, 5)).await.unwrap();
    assert_eq!(store.standing(id).await.unwrap().map(|decision| decision.action), Some(Action::Revoke));
    let log = store.admin_events(id).await.unwrap();
    assert_eq!(
        log.iter().map(|event| (event.seq, event.decision.at.as_millis())).collect::<Vec<_>>(),
        [(1, 9), (2, 5)]
    );
    for statement in ["UPDATE admin_event SET reason = 'x'", "DELETE FROM admin_event"] {
        assert!(sqlx::query(statement).execute(&store.database.pool).await.is_err(), "{statement}");
    }
    assert_eq!(store.admin_events(id).await.unwrap(), log);
    assert_eq!(store.certificate(id).await.unwrap().unwrap().certificate, sealed.certificate, "nothing is rewritten");
}

#[tokio::test]
async fn many_may_decide_at_once() {
    let (place, store) = store().await;
    let sealed = sealed("pypi:demo@1.0", b"one", "r1", 1);
    store.insert(&sealed).await.unwrap();
    let id = sealed.certificate.id();
    let other = place.open().await;
    let deciding = (0..10).map(|at| {
        let store = if at % 2 == 0 { store.clone() } else { other.clone() };
        let new = decide(id, Action::Block, at);
        async move { store.decide(&new).await.unwrap().unwrap().seq }
    });
    let mut seqs = futures::future::join_all(deciding).await;
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=10).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_certificate_in_a_submission_is_booked_once() {
    let (_place, store) = store().await;
    let booking = |submission: &str, certificate: &str, kind, usd| Booking {
        submission: submission.to_owned(),
        certificate: certificate.to_owned(),
        kind,
        usd,
        at: Timestamp::from_millis(1),
    };
    assert_eq!(store.totals().await.unwrap(), Totals::default());
    let first = [booking("a", "x", BookingKind::Audited, 2), booking("a", "y", BookingKind::Reused, 4)];
    store.book(&first).await.unwrap();
    store.book(&first).await.unwrap();
    // The same submission again, now all from the store: what it audited itself is no saving.
    store.book(&[booking("a", "x", BookingKind::Reused, 2)]).await.unwrap();
    store.book(&[booking("b", "x", BookingKind::Audited, 2)]).await.unwrap();
    assert_eq!(store.totals().await.unwrap(), Totals { submissions: 2, benefiting: 1, saved_usd: 4 });
}

/// A reader that keeps answers is told of everything that others change, before it next looks.
#[tokio::test]
async fn a_reader_is_told_what_others_change() {
    let (place, store) = store().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = told.clone();
    let reader = store
        .reader(&place.database, std::sync::Arc::new(move |change| listener.lock().unwrap().push(change)))
        .await
        .unwrap();
    let settle = async |count: usize| {
        for _ in 0..400 {
            if reader.fresh() && told.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::mem::take(&mut *told.lock().unwrap())
    };
    if let Database::Postgres(_) = place.database {
        assert_eq!(settle(1).await, [Change::Everything], "what happened before listening was not told");
    }
    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    assert!(reader.package(&package).await.unwrap().is_none());
    let other = place.open().await;
    let sealed = sealed("pypi:demo@1.0", b"one", "r1", 1);
    other.insert(&sealed).await.unwrap();
    assert_eq!(settle(1).await, [Change::Package(package.clone())]);
    let record = reader.package(&package).await.unwrap().unwrap();
    assert_eq!(
        (record.id.as_str(), record.payload.as_slice()),
        (sealed.certificate.id(), sealed.certificate.canonical())
    );
    assert_eq!(record.decision, None);
    let epoch = reader.epoch();
    other.decide(&decide(sealed.certificate.id(), Action::Block, 7)).await.unwrap();
    assert_eq!(settle(1).await, [Change::Package(package.clone())]);
    assert!(reader.epoch() > epoch);
    let snapshot = AdvisorySnapshot {
        source: "s".to_owned(),
        queried_at: Timestamp::from_millis(9),
        state: AdvisoryState::Listed { advisories: vec![] },
    };
    other.remember_advisories(&package, &snapshot).await.unwrap();
    assert_eq!(settle(1).await, [Change::Package(package.clone())]);
    let unknown: PackageId = "pypi:other@1.0".parse().unwrap();
    let both = reader.packages(&[unknown, package]).await.unwrap();
    let record = both[1].as_ref().unwrap();
    assert!(both[0].is_none());
    assert_eq!(record.decision.as_ref().map(|decision| decision.action), Some(Action::Block));
    assert_eq!(record.advisories, Some(snapshot), "the certificate has none of its own");
}

/// More changes than are remembered: everything that is kept must go.
#[tokio::test]
async fn a_reader_that_missed_too_much_is_told_so() {
    let place = Place { folder: tempfile::tempdir().unwrap(), database: Database::Embedded };
    let store = place.open().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = told.clone();
    let reader = store
        .reader(&place.database, std::sync::Arc::new(move |change| listener.lock().unwrap().push(change)))
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO package_change (ecosystem, name, version)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) SELECT 'npm', 'x', '1' FROM n",
    )
    .execute(&store.database.pool)
    .await
    .unwrap();
    assert!(reader.fresh());
    assert_eq!(*told.lock().unwrap(), [Change::Everything]);
    let kept: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM package_change").fetch_one(&store.database.pool).await.unwrap();
    assert_eq!(kept, 10_000);
}

#[tokio::test]
async fn a_walk_through_pages_sees_everything_once() {
    let (_place, store) = store().await;
    let mut expected = std::collections::BTreeSet::new();
    for number in 0..25 {
        // Several of the same millisecond, of both ecosystems.
        let ecosystem = if number % 3 == 0 { "npm" } else { "pypi" };
        let sealed = sealed(&format!("{ecosystem}:demo@1.{number}"), &[number], "r1", i64::from(number) / 5);
        expected.insert(sealed.certificate.id().to_owned());
        store.insert(&sealed).await.unwrap();
    }
    let (mut seen, mut cursor, mut newer) = (Vec::new(), None, 0);
    loop {
        let page = store.page(&Filter::default(), cursor.as_ref(), 4).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(Cursor { certified_at: last.record.certified_at, id: last.record.id.clone() });
        seen.extend(page.iter().map(|listed| listed.record.id.clone()));
        newer += 1;
        store.insert(&sealed(&format!("pypi:new@1.{newer}"), &[200, newer], "r1", 1000)).await.unwrap();
    }
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);

    let id = expected.first().unwrap();
    store.decide(&decide(id, Action::Override(SecurityLevel::Caution), 1)).await.unwrap();
    let of = async |level, ecosystem| {
        let filter = Filter { ecosystem, level: Some(level), name: None };
        let page = store.page(&filter, None, 100).await.unwrap();
        page.into_iter().map(|listed| listed.record.id).collect::<Vec<_>>()
    };
    assert_eq!(of(SecurityLevel::Caution, None).await, std::slice::from_ref(id), "the level that holds now counts");
    assert!(!of(SecurityLevel::Clear, None).await.contains(id));
    assert!(of(SecurityLevel::Blocked, Some(Ecosystem::Npm)).await.is_empty());
}

#[tokio::test]
async fn two_may_open_a_new_store_at_the_same_time() {
    let place = Place::new();
    let (first, second) = tokio::join!(place.open(), place.open());
    first.insert(&sealed("pypi:demo@1.0", b"bytes", "r1", 1)).await.unwrap();
    assert_eq!(second.certificates_of(&"pypi:demo@1.0".parse().unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_copied_store_is_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let source = Store::open(folder.path(), &Database::Embedded).await.unwrap();
    let packages: Vec<String> = (0..450).map(|minor| format!("pypi:demo@1.{minor}")).collect();
    for package in &packages {
        source.insert(&sealed(package, package.as_bytes(), "r1", 1)).await.unwrap();
    }
    let graph = Graph { packages: vec![], unresolved: vec![], excluded: vec![] };
    source.remember_resolution(Sha256::of(b"k"), &graph, Timestamp::from_millis(1)).await.unwrap();

    let (_place, target) = store().await;
    let copied = source.copy_to(&target).await.unwrap();
    assert_eq!(copied[..2], [("certificate", 450), ("certificate_digest", 1350)]);
    assert_eq!(source.copy_to(&target).await.unwrap(), copied, "a second run changes nothing");
    for package in &packages {
        let package: PackageId = package.parse().unwrap();
        let both = (source.certificates_of(&package).await.unwrap(), target.certificates_of(&package).await.unwrap());
        assert_eq!(both.0[0].canonical(), both.1[0].canonical());
    }

    target.insert(&sealed("pypi:other@1.0", b"other", "r1", 1)).await.unwrap();
    let error = source.copy_to(&target).await.unwrap_err();
    assert!(matches!(error, CopyError::Differs { table: "certificate" }), "{error}");
}

/// A table or column that a migration adds is copied too, or this fails.
#[tokio::test]
async fn the_copy_knows_every_table_and_column() {
    let (place, store) = store().await;
    let statement = match place.database {
        Database::Embedded => {
            "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
        }
        Database::Postgres(_) => {
            "SELECT CAST(table_name AS TEXT) || '.' || CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'"
        }
    };
    let rows = sqlx::query_scalar::<_, String>(statement).fetch_all(&store.database.pool).await.unwrap();
    let there: std::collections::BTreeSet<String> = rows
        .into_iter()
        .filter(|column| !["package_change.", "sqlite_"].iter().any(|own| column.starts_with(own)))
        .collect();
    assert_eq!(there, crate::copy::columns());
}

#[test]
fn a_database_url_is_not_repeated_in_an_error() {
    let error = "mysql://user:secret@host/db".parse::<Database>().unwrap_err().to_string();
    assert!(error.contains("mysql") && !error.contains("secret"), "{error}");
}
