//! The walls of the house: a crate may depend only on the rooms that ARCHITECTURE.md names.

use std::collections::BTreeSet;
use std::process::Command;

/// Room, and what it may depend on.
const WALLS: &[(&str, &[&str])] = &[
    ("sigma-core", &[]),
    ("sigma-certificate", &["sigma-core"]),
    ("sigma-manifest", &["sigma-core"]),
    ("sigma-ecosystem", &["sigma-core", "sigma-manifest"]),
    ("sigma-analysis", &["sigma-core"]),
    ("sigma-council", &["sigma-core"]),
    ("sigma-provenance", &["sigma-core"]),
    ("sigma-intake", &["sigma-core"]),
    ("sigma-sandbox", &["sigma-core"]),
    ("sigma-scan", &["sigma-core", "sigma-analysis", "sigma-council"]),
    ("sigma-ledger", &["sigma-core", "sigma-certificate"]),
    ("sigma-chain", &["sigma-core"]),
    ("sigma-store", &["sigma-core", "sigma-certificate"]),
    ("sigma-verify", &["sigma-core", "sigma-certificate", "sigma-ledger"]),
    (
        "sigma-pipeline",
        &[
            "sigma-core",
            "sigma-certificate",
            "sigma-ecosystem",
            "sigma-analysis",
            "sigma-council",
            "sigma-intake",
            "sigma-sandbox",
            "sigma-ledger",
            "sigma-provenance",
            "sigma-chain",
            "sigma-store",
        ],
    ),
    ("sigma-server", &["sigma-core", "sigma-certificate", "sigma-ecosystem", "sigma-store", "sigma-pipeline"]),
    (
        "sigma",
        &[
            "sigma-core",
            "sigma-certificate",
            "sigma-ecosystem",
            "sigma-analysis",
            "sigma-council",
            "sigma-intake",
            "sigma-sandbox",
            "sigma-ledger",
            "sigma-provenance",
            "sigma-chain",
            "sigma-scan",
            "sigma-store",
            "sigma-pipeline",
            "sigma-server",
            "sigma-verify",
        ],
    ),
    ("sigma-testkit", &["sigma-core"]),
];

/// What only one room may use: whoever wants to speak SQL, HTTP or an ecosystem's protocol goes through it.
const TOOLS: &[(&str, &[&str])] = &[
    ("sqlx", &["sigma-store"]),
    ("rusqlite", &["sigma-store"]),
    ("axum", &["sigma-server", "sigma-testkit"]),
    ("hyper", &["sigma-server"]),
    ("object_store", &["sigma-store"]),
    ("reqwest", &["sigma-ecosystem", "sigma-council", "sigma-intake", "sigma-chain"]),
    ("ring", &["sigma-ledger"]),
    ("sigstore-verify", &["sigma-provenance"]),
    ("k256", &["sigma-chain"]),
    ("alloy-sol-types", &["sigma-chain"]),
    ("uv-resolver", &["sigma-ecosystem"]),
    ("ruff_python_parser", &["sigma-analysis"]),
    ("oxc_parser", &["sigma-analysis"]),
    ("boreal", &["sigma-analysis"]),
    ("gix-protocol", &["sigma-intake"]),
    ("saphyr-parser", &["sigma-intake"]),
    ("libc", &["sigma-sandbox"]),
];

fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().expect("dependencies").iter();
            let shipped = all.filter(|dependency| dependency["kind"].is_null());
            let names = shipped.map(|dependency| dependency["name"].as_str().unwrap_or_default().to_owned());
            (package["name"].as_str().unwrap_or_default().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn no_room_reaches_through_a_wall() {
    let rooms = dependencies();
    assert_eq!(rooms.len(), WALLS.len(), "every crate has its row in WALLS: {rooms:?}");
    for (room, uses) in &rooms {
        let allowed = WALLS.iter().find(|(name, _)| name == room).map_or(&[][..], |(_, allowed)| allowed);
        for other in uses.iter().filter(|name| name.starts_with("sigma")) {
            assert!(allowed.contains(&other.as_str()), "{room} may not depend on {other}");
        }
        for (tool, owners) in TOOLS {
            assert!(!uses.contains(*tool) || owners.contains(&room.as_str()), "{room} may not use {tool} itself");
        }
    }
}
