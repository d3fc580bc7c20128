//! Where packages end up, and what their peers say to that.

use super::check;
use super::registry::Fake;

#[tokio::test]
async fn what_fits_at_the_top_is_shared() {
    check(
        "a@1.0.0 c:^1\nb@1.0.0 c:^1.0.0\nc@1.0.0\nc@1.2.0\nc@2.0.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.2.0 < a ^1, b ^1.0.0",
    )
    .await;
}

#[tokio::test]
async fn what_conflicts_is_nested() {
    check(
        "a@1.0.0 c:^1\nb@1.0.0 c:^2\nc@1.0.0\nc@2.0.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.0.0 < a ^1
        c@2.0.0 < b ^2",
    )
    .await;
}

#[tokio::test]
async fn a_version_that_is_there_is_used_although_a_newer_one_exists() {
    check(
        "a@1.0.0 c:1.0.0\nb@1.0.0 c:^1\nc@1.0.0\nc@1.5.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.0.0 < a 1.0.0, b ^1",
    )
    .await;
}

#[tokio::test]
async fn cycles_end() {
    check(
        "a@1.0.0 b:^1\na@2.0.0 b:^2\nb@1.0.0 a:^2\nb@2.0.0 a:^1",
        "a:^1",
        "
        a@1.0.0 < project ^1, b ^1
        b@1.0.0 < a ^1
        a@2.0.0 < b ^2
        b@2.0.0 < a ^2",
    )
    .await;
}

#[tokio::test]
async fn peers_are_installed_and_agree_with_the_project() {
    check(
        "ui@1.0.0 peer:core:^1||^2\ncore@1.0.0\ncore@2.0.0",
        "ui:^1",
        "
        ui@1.0.0 < project ^1
        core@2.0.0 < ui ^1||^2",
    )
    .await;
    check(
        "ui@1.0.0 peer:core:^1||^2\ncore@1.0.0\ncore@2.0.0",
        "ui:^1 core:^1",
        "
        core@1.0.0 < project ^1, ui ^1||^2
        ui@1.0.0 < project ^1",
    )
    .await;
    check("ui@1.0.0 maypeer:core:^1\ncore@1.0.0", "ui:^1", "ui@1.0.0 < project ^1").await;
}

#[tokio::test]
async fn a_peer_conflict_of_the_project_is_unresolved_and_one_below_it_is_nested() {
    check(
        "ui@1.0.0 peer:core:^1\ncore@1.0.0\ncore@2.0.0\nother@1.0.0",
        "ui:^1 core:^2 other:*",
        "
        core@2.0.0 < project ^2, ui ^1
        other@1.0.0 < project *
        ui@1.0.0 < project ^1
        UNRESOLVED Conflict core ^1 < ui: ui@1.0.0 asks for core@^1; but core@2.0.0 is there",
    )
    .await;
    check(
        "app@1.0.0 ui:^1 core:^2\nui@1.0.0 peer:core:^1\ncore@1.0.0\ncore@2.0.0",
        "app:^1",
        "
        app@1.0.0 < project ^1
        core@2.0.0 < app ^2
        ui@1.0.0 < app ^1
        core@1.0.0 < ui ^1",
    )
    .await;
}

#[tokio::test]
async fn many_peers_that_want_each_other_do_not_hang() {
    let names: Vec<String> = (0..14).map(|at| format!("p{at}")).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            let peers = names.iter().filter(|other| *other != name).map(|other| format!("peer:{other}:1"));
            format!("{name}@1.0.0 {}", peers.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let fake = Fake::start(&lines.join("\n"), &[]).await;
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), fake.resolve("p0:1")).await.unwrap();
    match outcome {
        Ok(graph) => assert_eq!(graph.packages.len(), names.len()),
        Err(error) => assert!(error.to_string().contains("takes more than"), "{error}"),
    }
}
