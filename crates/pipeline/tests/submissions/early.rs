//! What is certain to stop a submission before anything is audited.

use sigma_certificate::Action;
use sigma_store::NewDecision;

use super::*;

/// A package and one that it needs, neither of them certified.
fn add_pair(scene: &Scene, direct: &str, leaf: &str) {
    scene.eco.pypi.add(pure(leaf, "1.0").build());
    scene.eco.pypi.add(pure(direct, "1.0").requires(leaf).build());
}

async fn end(scene: &Scene, hall: &Hall, requirements: &str) -> String {
    let draft = scene.draft(hall, "ann", requirements).await;
    let submission = submit(hall, &draft, requirements).await;
    work(hall).await;
    story(hall, &submission).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_audited_beside_a_refused_declaration() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("known", "1.0").build());
    add_pair(&scene, "one", "leaf");
    let hall = scene.hall().await;
    end(&scene, &hall, "known==1.0\n").await;
    let downloads = scene.downloads();
    // What is certified is told, and the rest is neither fetched nor paid for.
    let told = end(&scene, &hall, "known==1.0\none==1.0\ngit+https://github.com/a/b\n").await;
    insta::assert_snapshot!(told, @r#"
    queued {}
    planned {"certifiedFromCache":1,"packages":3,"toAudit":0}
    ended {"reasons":["git+https://github.com/a/b (requirements.txt:3): version control reference"],"state":"stopped"}
    known DIRECT CERTIFIED_FROM_CACHE
    one DIRECT UNCERTIFIED
    leaf TRANSITIVE_L1 UNCERTIFIED
    git+https://github.com/a/b DIRECT REFUSED
    advisory: 1 transitive package(s) were not audited, because the submission stops
    saved 2 USD, cost 0 USD
    "#);
    assert_eq!(scene.downloads(), downloads);
    // Once it is gone, everything is audited.
    let told = end(&scene, &hall, "known==1.0\none==1.0\n").await;
    assert!(told.contains("leaf TRANSITIVE_L1 AUDITED_THIS_SUBMISSION"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_audited_beside_what_is_blocked_already() {
    let scene = Scene::new();
    scene.eco.pypi.add(hostile("bad", "1.0").build());
    scene.eco.pypi.add(pure("fine", "1.0").build());
    scene.eco.pypi.add(pure("deep", "1.0").requires("needs-bad").build());
    scene.eco.pypi.add(pure("needs-bad", "1.0").requires("bad").build());
    add_pair(&scene, "one", "leaf");
    let hall = scene.hall().await;
    // It is not certified yet and might be clear: what stands beside it is audited with it.
    let told = end(&scene, &hall, "bad==1.0\nfine==1.0\n").await;
    assert!(told.contains("fine DIRECT AUDITED_THIS_SUBMISSION"), "{told}");
    // Deeper than L1 it stops nothing.
    let told = end(&scene, &hall, "deep==1.0\n").await;
    assert!(told.contains("needs-bad TRANSITIVE_L1 AUDITED_THIS_SUBMISSION"), "{told}");

    let downloads = scene.downloads();
    let told = end(&scene, &hall, "bad==1.0\none==1.0\n").await;
    insta::assert_snapshot!(told, @r#"
    queued {}
    planned {"certifiedFromCache":1,"packages":3,"toAudit":0}
    ended {"reasons":["pypi:bad@1.0 (DIRECT) is BLOCKED"],"state":"stopped"}
    bad DIRECT CERTIFIED_FROM_CACHE
    one DIRECT UNCERTIFIED
    leaf TRANSITIVE_L1 UNCERTIFIED
    advisory: 1 transitive package(s) were not audited, because the submission stops
    saved 2 USD, cost 0 USD
    "#);
    // The same where an operator decided so.
    let package = "pypi:fine@1.0".parse().unwrap();
    let certificate = hall.store().certificates_of(&package).await.unwrap().remove(0).id().to_owned();
    let (reason, operator) = ("reported".to_owned(), "ada".to_owned());
    let decision = NewDecision { certificate, action: Action::Block, reason, operator, at: Timestamp::from_millis(1) };
    hall.store().decide(&decision).await.unwrap().unwrap();
    let told = end(&scene, &hall, "fine==1.0\none==1.0\n").await;
    assert!(told.contains("one DIRECT UNCERTIFIED") && told.contains("leaf TRANSITIVE_L1 UNCERTIFIED"), "{told}");
    assert_eq!(scene.downloads(), downloads);
}
