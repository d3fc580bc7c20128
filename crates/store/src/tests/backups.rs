//! Backups that are made while others write, and what is restored from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sigma_certificate::Action;
use sigma_core::*;

use super::{Place, decide, digests, sealed};
use crate::*;

/// Writes until it is told to stop: certificates, decisions, blobs. Counts what is durable.
async fn write(store: Store, stop: Arc<AtomicBool>, written: Arc<AtomicU64>) {
    for number in 0_u32.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let name = format!("pypi:demo@1.{number}");
        let sealed = sealed(&name, name.as_bytes(), "r1", i64::from(number));
        store.insert(&sealed).await.unwrap();
        store.decide(&decide(sealed.certificate.id(), Action::Revoke, 1)).await.unwrap().unwrap();
        let staged = store.staging().join(number.to_string());
        std::fs::write(&staged, name.as_bytes()).unwrap();
        store.blobs().adopt(&staged, &digests(name.as_bytes())).await.unwrap();
        written.store(u64::from(number) + 1, Ordering::SeqCst);
    }
}

/// Every certificate that was durable before is there, with its decision, and none of which half is missing.
async fn check(store: &Store, at_least: u64) {
    let mut number = 0;
    loop {
        let package: PackageId = format!("pypi:demo@1.{number}").parse().unwrap();
        let Some(certificate) = store.certificates_of(&package).await.unwrap().pop() else { break };
        let decided = store.standing(certificate.id()).await.unwrap().is_some();
        assert!(decided || number >= at_least, "{package} lost what was decided");
        number += 1;
    }
    assert!(number >= at_least, "got {number} certificates, expected at least {at_least}");
}

async fn until(written: &AtomicU64, count: u64) -> u64 {
    loop {
        let now = written.load(Ordering::SeqCst);
        if now >= count {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writes_is_one_moment_of_the_store() {
    let place = Place { folder: tempfile::tempdir().unwrap(), database: Database::Embedded };
    let store = place.open().await;
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn(write(place.open().await, stop.clone(), written.clone()));
    let before = until(&written, 20).await;
    let backups = tempfile::tempdir().unwrap();
    let first = backups.path().join("first");
    let made = store.backup(&first).await.unwrap();
    let after = until(&written, before + 5).await;
    assert!(made.certificates >= before && made.certificates <= after + 1, "{made:?}");
    assert!(made.blobs >= before && made.missing == 0, "{made:?}");
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();

    let root = backups.path().join("restored");
    assert_eq!(Store::restore(&first, &root).await.unwrap(), made);
    let restored = Store::open(&root, &Database::Embedded).await.unwrap();
    check(&restored, before).await;
    let digest = Sha256::of(b"pypi:demo@1.0");
    let blob = restored.blobs().find(&[digest.into()]).await.unwrap().unwrap();
    assert_eq!(std::fs::read(blob.path).unwrap(), b"pypi:demo@1.0");

    // Now that nobody writes: the same, table by table.
    let second = backups.path().join("second");
    store.backup(&second).await.unwrap();
    let root = backups.path().join("again");
    Store::restore(&second, &root).await.unwrap();
    let again = Store::open(&root, &Database::Embedded).await.unwrap();
    let count = async |store: &Store| {
        sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM certificate").fetch_one(&store.database.pool).await.unwrap()
    };
    assert_eq!(count(&again).await, count(&store).await);
    store.copy_to(&again).await.unwrap();
    again.insert(&sealed("npm:new@1.0.0", b"new", "r1", 1)).await.unwrap();
}

#[tokio::test]
async fn what_is_damaged_is_not_restored_and_nothing_is_written_over() {
    let place = Place { folder: tempfile::tempdir().unwrap(), database: Database::Embedded };
    let store = place.open().await;
    let names: Vec<String> = (0..200).map(|number| format!("pypi:demo@1.{number}")).collect();
    let all: Vec<Sealed> = names.iter().map(|name| sealed(name, name.as_bytes(), "r1", 1)).collect();
    store.insert_all(&all).await.unwrap();
    let staged = store.staging().join("x");
    std::fs::write(&staged, b"bytes").unwrap();
    let blob = store.blobs().adopt(&staged, &digests(b"bytes")).await.unwrap();
    let backups = tempfile::tempdir().unwrap();
    let (backup, root) = (backups.path().join("backup"), backups.path().join("root"));
    store.backup(&backup).await.unwrap();
    assert!(matches!(store.backup(&backup).await, Err(BackupError::Exists(_))));
    assert!(matches!(Store::restore(&backup, store.root()).await, Err(BackupError::Exists(_))), "a store is there");

    // A distribution that rotted is left out; the database must be sound.
    let name = blob.sha256.to_string();
    std::fs::write(backup.join("blobs").join(&name[..2]).join(&name), b"other").unwrap();
    let restored = Store::restore(&backup, &root).await.unwrap();
    assert_eq!((restored.blobs, restored.missing), (0, 1));
    let file = backup.join("sigma.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let elsewhere = backups.path().join("elsewhere");
    let error = Store::restore(&backup, &elsewhere).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read_dir(backups.path()).unwrap().count(), 2, "only the backup and what was restored");
}

/// What docs/operations.md says about PostgreSQL, done under writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_postgres_is_one_moment_of_the_store() {
    let place = Place::new();
    let Database::Postgres(url) = &place.database else { return };
    let store = place.open().await;
    let refused = store.backup(&place.folder.path().join("backup")).await;
    assert!(matches!(refused, Err(BackupError::Postgres)));
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn(write(place.open().await, stop.clone(), written.clone()));
    let before = until(&written, 20).await;
    let dump = place.folder.path().join("sigma.dump");
    let run = async |program: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(program);
        command.args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let file = dump.to_str().unwrap();
    run("pg_dump", &["--format=custom", "--no-owner", "--file", file, url.as_str()]).await;
    until(&written, before + 5).await;
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();

    let fresh = sigma_testkit::fresh_postgres().unwrap();
    run("pg_restore", &["--no-owner", "--exit-on-error", "--single-transaction", "--dbname", &fresh, file]).await;
    let other = Place { folder: tempfile::tempdir().unwrap(), database: fresh.parse().unwrap() };
    let restored = other.open().await;
    check(&restored, before).await;
    let entry = "UPDATE admin_event SET operator = 'x'";
    assert!(sqlx::query(entry).execute(&restored.database.pool).await.is_err(), "the log is still append-only");
    restored.insert(&sealed("npm:new@1.0.0", b"new", "r1", 1)).await.unwrap();
}
