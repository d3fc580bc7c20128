//! Attested origins as a user meets them: in the table, in JSON, in `sigma show`, and with roots by configuration.

mod program;
mod ran;

use std::path::Path;

use sigma_testkit::{FakeEcosystem, FakeSigstore, Flaw, NpmTarball, Workload};

use program::sigma;
use ran::Ran;

/// Runs `sigma` in a folder that holds project, store and configuration.
fn run(folder: &Path, eco: &FakeEcosystem, arguments: &[&str]) -> Ran {
    let mut command = sigma(folder, eco, arguments);
    Ran::from(command.env("SIGMA_CONFIG", folder.join("config.toml")).output().unwrap())
}

#[test]
fn the_origin_is_shown_everywhere_and_roots_are_configured() {
    let (eco, sigstore, folder) = (FakeEcosystem::start(), FakeSigstore::new(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("config.toml", "[provenance]\ntrusted_root = \"root.json\"\nnpm_keys = \"keys.json\"\n");
    write("root.json", &sigstore.trusted_root());
    write("keys.json", &sigstore.npm_keys());
    write("package.json", r#"{"dependencies": {"demo": "1.0.0", "plain": "1.0.0"}}"#);
    eco.npm.sign();
    let built = NpmTarball::new("demo", "1.0.0").file("index.js", "module.exports = 1;\n").build();
    eco.npm.attest("demo", "1.0.0", sigstore.npm(&built, &Workload::github("acme/demo"), Flaw::None));
    eco.npm.add(built);
    eco.npm.add(NpmTarball::new("plain", "1.0.0").file("index.js", "module.exports = 2;\n").build());

    let table = run(folder.path(), &eco, &["audit"]);
    assert_eq!(table.code, Some(0), "{}{}", table.out, table.err);
    let row = |name: &str| {
        let line = table.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(row("demo").ends_with("verified -"), "{}", row("demo"));
    assert!(row("plain").ends_with("absent -"), "{}", row("plain"));

    let value = run(folder.path(), &eco, &["audit", "--format", "json"]).json();
    let packages = value["packageAnalysis"]["packages"].as_array().unwrap();
    assert_eq!(packages[0]["upstreamProvenance"], "verified");
    assert_eq!(packages[0]["upstreamPublisher"], "github.com/acme/demo (release.yml)");
    assert_eq!(packages[1]["upstreamProvenance"], "absent");

    let value = run(folder.path(), &eco, &["show", "npm:demo@1.0.0", "--format", "json"]).json();
    assert_eq!(value["upstreamProvenance"]["status"], "verified");
    assert_eq!(value["upstreamProvenance"]["publisher"]["repository"], "https://github.com/acme/demo");
    let text = run(folder.path(), &eco, &["show", "npm:plain@1.0.0"]).out;
    assert!(text.contains("origin         the ecosystem has no attestations of it"), "{text}");

    write("root.json", "{}");
    let broken = run(folder.path(), &eco, &["audit"]);
    assert_eq!(broken.code, Some(2), "{}", broken.err);
    assert!(broken.err.contains("not a Sigstore trusted root"), "{}", broken.err);
}
