//! Which version of which package a spec means, after aliases and overrides.

use super::{check, check_overridden};

#[tokio::test]
async fn aliases_install_another_package() {
    check(
        "a@1.0.0 old:npm:c@^1\nc@1.0.0\nc@2.0.0",
        "a:^1 new=c:^2",
        "
        a@1.0.0 < project ^1
        c@2.0.0 < project npm:c@^2
        c@1.0.0 < a npm:c@^1",
    )
    .await;
}

#[tokio::test]
async fn overrides_replace_what_packages_ask_for() {
    let packages = "a@1.0.0 b:^1 c:^1\nb@1.0.0 c:^1\nc@1.0.0\nc@2.0.0\nc@3.0.0";
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"c":"2.0.0"}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@2.0.0 < a ^1, b ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"b":{"c":"3"}}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@1.0.0 < a ^1
        c@3.0.0 < b ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1 c:^2",
        Some(r#"{"c":"$c"}"#),
        "
        a@1.0.0 < project ^1
        c@2.0.0 < project ^2, a ^1, b ^1
        b@1.0.0 < a ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"c@1":"3.0.0"}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@3.0.0 < a ^1, b ^1",
    )
    .await;
    check_overridden(
        packages,
        "c:^1",
        Some(r#"{"c":"2.0.0"}"#),
        "
        c@2.0.0 < project ^1
        UNRESOLVED Conflict c 2.0.0 < package.json:1: the override to 2.0.0 conflicts with the direct dependency",
    )
    .await;
}

#[tokio::test]
async fn versions_are_chosen_as_npm_chooses() {
    check(
        "a@1.0.0 b:next\nb@1.0.0\nb@2.0.0-rc.1 tag:next",
        "a:^1",
        "
        a@1.0.0 < project ^1
        b@2.0.0-rc.1 < a next",
    )
    .await;
    check("a@1.0.0\na@1.1.0 deprecated", "a:^1", "a@1.0.0 < project ^1").await;
    check("a@1.2.0 tag:next\na@1.1.0", "a:^1", "a@1.1.0 < project ^1").await;
    check("a@2.0.0-rc.1 tag:next\na@1.1.0", "a:>=1", "a@1.1.0 < project >=1").await;
}
