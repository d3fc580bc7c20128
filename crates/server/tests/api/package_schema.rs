//! The published JSON Schema of package certificates, and that certificates with and without runs are of it.

use std::path::PathBuf;

use serde_json::{Value, json};
use sigma_certificate::{Endpoints, PackageCertificate, PackageExecution, Since};
use sigma_core::{EntryPointRuns, Timestamp};

use crate::reviewed::parts;
use crate::sample::payload;

fn schema() -> Value {
    let document = serde_json::to_value(sigma_server::document()).unwrap();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sigma:package-certificate:1",
        "title": "SIGMA certificate of a package",
        "description": "The answer of GET /api/v1/public/packages/{ecosystem}/{name}/{version}. Answers may have more fields \
                        than are listed. `execution` is there only where the package's commands were to be run.",
        "$ref": "#/$defs/PackageView",
        "$defs": parts(document["components"]["schemas"].as_object().unwrap(), "PackageView"),
    })
}

fn published() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/package-certificate-1.schema.json")
}

/// `SIGMA_UPDATE_SCHEMAS=1` writes the file anew.
#[test]
fn the_published_schema_of_packages_is_that_of_the_code() {
    let made = format!("{:#}\n", schema());
    if std::env::var_os("SIGMA_UPDATE_SCHEMAS").is_some() {
        std::fs::write(published(), &made).unwrap();
    }
    assert!(std::fs::read_to_string(published()).unwrap_or_default() == made, "{} is old", published().display());
}

#[test]
fn certificates_with_and_without_runs_are_of_the_schema() {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(published()).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let endpoints = Endpoints::new("https://sigma.example");
    let check = |certificate: &PackageCertificate, expect: bool, change: &dyn Fn(&mut Value)| {
        let since = Since { decision: None, advisories: None, flags: 0, on_chain: None };
        let mut view = serde_json::to_value(certificate.view(&endpoints, since)).unwrap();
        change(&mut view);
        let problems: Vec<String> = validator.iter_errors(&view).map(|problem| problem.to_string()).collect();
        assert_eq!(problems.is_empty(), expect, "{problems:?}");
    };
    let without = PackageCertificate::seal(payload("pypi:demo@1.0")).unwrap();
    check(&without, true, &|_| ());
    let mut with = payload("pypi:demo@1.0");
    let runs = EntryPointRuns::skipped("its dependency pypi:x@1 is BLOCKED".to_owned(), Timestamp::from_millis(1));
    with.execution = Some(PackageExecution::new(&runs, vec![], &["--help"]));
    let with = PackageCertificate::seal(with).unwrap();
    check(&with, true, &|_| ());
    check(&with, false, &|view| view["execution"]["status"] = json!(1));
    check(&with, false, &|view| view["execution"]["entryPoints"] = json!([{"command": "x"}]));
}

/// A certificate that was sealed before there were runs, byte by byte.
#[test]
fn old_certificates_are_read_with_the_same_hash() {
    let sealed = PackageCertificate::seal(payload("pypi:requests@2.31.0")).unwrap();
    let text = String::from_utf8(sealed.canonical().to_vec()).unwrap();
    assert!(!text.contains("execution"), "{text}");
    let opened = PackageCertificate::open(sealed.canonical().to_vec()).unwrap();
    assert_eq!((opened.id(), opened.payload().execution.as_ref()), (sealed.id(), None));
    insta::assert_snapshot!(format!("{} {}", opened.id(), opened.payload_hash()), @"pkg_5uhoa5o3tiiphhk7zkndwhpwd7z2wvjx 0xed965030643a26332b7ab9dae810e3b847bb8337f89f6fec745adc53371d9d9b");
}
