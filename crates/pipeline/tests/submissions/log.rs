//! Where the store has a transparency log, a submission ends when what it tells of is announced.

use sigma_ledger::Envelope;
use sigma_ledger::statement::{Kind, Reaudit, Statement};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_ends_when_its_certificates_are_in_the_log() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build());
    let hall = scene.hall().await;
    let folder = LedgerFolder::new(&scene.folder.path().join("ledger"), None);
    let now = Timestamp::from_millis(1_800_000_000_000);
    folder.create("sigma.example.org/log", None, now).unwrap();
    hall.store().bind_log("sigma.example.org/log", now).await.unwrap();
    let draft = scene.draft(&hall, "ann", "demo==1.0\n").await;
    let submission = submit(&hall, &draft, "k").await;
    let worker = hall.clone();
    let working = tokio::spawn(async move { work(&worker).await });
    let state = async || hall.store().submission(&submission.id).await.unwrap().unwrap().state;
    let waits = async || {
        for _ in 0..500 {
            if state().await == SubmissionState::Announcing {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it is {}", state().await);
    };
    waits().await;
    // However long that takes.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    waits().await;
    assert!(!story(&hall, &submission).await.contains("ended"));
    let synced = folder.open().unwrap().sync(hall.store(), false, now).await.unwrap();
    assert_eq!((synced.certificates, synced.size), (1, 2), "the certificate and a status list");
    working.await.unwrap();
    assert_eq!(state().await, SubmissionState::Cleared);
    assert!(story(&hall, &submission).await.contains("ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_certificate_took_the_place_of_another_is_logged() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build());
    let hall = scene.hall().await;
    let store = hall.store();
    let folder = LedgerFolder::new(&scene.folder.path().join("ledger"), None);
    let now = Timestamp::from_millis(1_800_000_000_000);
    folder.create("sigma.example.org/log", None, now).unwrap();
    store.bind_log("sigma.example.org/log", now).await.unwrap();
    let package = "pypi:demo@1.0".parse().unwrap();
    let sync = async || folder.open().unwrap().sync(store, false, now).await.unwrap();
    hall.audit_project(vec![manifest_of(&package, "test")], &AuditOptions::default(), &Silent).await.unwrap();
    assert_eq!((sync().await.certificates, folder.reader().unwrap().log().unwrap().checkpoint().size), (1, 2));
    let first = store.certificates_of(&package).await.unwrap().remove(0);
    assert!(store.attestation(&format!("reaudit/{}", first.id())).await.unwrap().is_none(), "it replaces none");

    hall.request_reaudit(first.id(), "the report was wrong", "ada").await.unwrap();
    work(&hall).await;
    let synced = sync().await;
    assert_eq!((synced.certificates, synced.size), (1, 4), "the certificate and that it replaces the first");
    let second = store.certificates_of(&package).await.unwrap().remove(0);
    assert_ne!(second.id(), first.id());
    let logged = store.attestation(&format!("reaudit/{}", second.id())).await.unwrap().expect("it is logged");
    let envelope: Envelope = serde_json::from_slice(&logged.envelope).unwrap();
    let statement = Statement::parse(&envelope.payload.0).unwrap();
    let said: Reaudit = statement.predicate(Kind::Reaudit).unwrap();
    assert_eq!(said.supersedes, first.id());
    assert_eq!(said.certificate.certificate_id, second.id());
    assert_eq!(
        (said.reason.as_str(), said.at),
        ("An operator asked: the report was wrong", second.payload().certified_at)
    );
    assert!(statement.is_about("sha256", &Sha256::of(second.canonical()).to_string()));
    // It lies where the store says, signed by the issuer.
    let root = folder.root().unwrap();
    let issuer = sigma_ledger::keys::PublicKey::from_spki(&root.issuers().next().unwrap().1.public_key.0).unwrap();
    let entry = folder.reader().unwrap().log().unwrap().entry(logged.logged.unwrap().index).unwrap();
    assert_eq!(entry, envelope.leaf(&issuer));
    let bundle = folder.reader().unwrap().reaudit(store, second.id()).await.unwrap().expect("a stranger can read it");
    assert_eq!(bundle.dsse_envelope, envelope);
    assert!(folder.reader().unwrap().reaudit(store, first.id()).await.unwrap().is_none());
    assert_eq!(sync().await.size, 4, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_have_the_keys_one_writes_and_the_other_takes_its_place() {
    let scene = Scene::new();
    let hall = scene.hall().await;
    let folder = LedgerFolder::new(&scene.folder.path().join("ledger"), None);
    let clock = || Arc::new(|| Timestamp::from_millis(1_800_000_000_000)) as Clock;
    folder.create("sigma.example.org/log", None, clock()()).unwrap();
    let ends: Vec<_> = (0..2)
        .map(|_| {
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let ended = async move { drop(ended.await) };
            (end, tokio::spawn(keep_log(folder.clone(), hall.store().clone(), clock(), ended)))
        })
        .collect();
    let audit = async |name: &str| {
        scene.eco.pypi.add(Wheel::new(name, "1.0").file("x/__init__.py", "VALUE = 1\n").build());
        let manifests = vec![manifest_of(&format!("pypi:{name}@1.0").parse().unwrap(), "test")];
        hall.audit_project(manifests, &AuditOptions::default(), &Silent).await.unwrap();
        for _ in 0..1000 {
            let bound = hall.store().log_origin().await.unwrap().is_some();
            if bound && hall.store().unannounced().await.unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody announces {name}");
    };
    audit("first").await;
    // Whichever of them it is that writes: the first to end may be it or not.
    for (index, (end, task)) in ends.into_iter().enumerate() {
        audit(&format!("while{index}")).await;
        drop(end);
        task.await.unwrap();
    }
    assert_eq!(folder.reader().unwrap().fsck().unwrap().problems, Vec::<String>::new());
}
