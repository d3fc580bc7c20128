//! Attestations as the public registries serve them, against the pinned roots, without a network.

use sigma_core::{Digests, PackageId, Sha1, Sha256, Sha512};
use sigma_provenance::{Attested, Roots};

const NPM: &[u8] = include_bytes!("published/npm-playwright-cli-0.1.1.json");
const NPM_SHA512: &str = "f64d7565f0f001f3150c322e1155b55afb3c4a80cd5c863574d43ef42f7f492f199849647317acbb97a82fbbcd6bdea7b626d419aab54ccdaa428aaf765fc8f6";
const PYPI: &[u8] = include_bytes!("published/pypi-pypi-attestations-0.0.19.json");
const PYPI_SHA256: &str = "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3";

fn digests(sha256: Option<&str>, sha512: Option<&str>) -> Digests {
    Digests {
        sha256: sha256.map_or(Sha256::from_bytes([0; 32]), |hex| hex.parse().unwrap()),
        sha512: sha512.map_or(Sha512::from_bytes([0; 64]), |hex| hex.parse().unwrap()),
        sha1: Sha1::from_bytes([0; 20]),
        size: 1,
    }
}

fn check(package: &str, filename: &str, digests: &Digests, document: &[u8], expect: &str) {
    let package: PackageId = package.parse().unwrap();
    let attested = Attested { package: &package, filename, digests };
    let got = Roots::pinned().unwrap().verify(attested, document);
    let said = match &got.publisher {
        Some(publisher) => format!(
            "{} {} commit {} at {}: {}",
            got.status,
            publisher.words(),
            publisher.commit.as_deref().unwrap_or("?"),
            got.logged_at.unwrap(),
            got.predicates.join(" ")
        ),
        None => format!("{} {}", got.status, got.reason.as_deref().unwrap_or_default()),
    };
    assert_eq!(said, expect);
}

#[test]
fn provenance_that_npm_serves_verifies() {
    let right = digests(None, Some(NPM_SHA512));
    let name = "cli-0.1.1.tgz";
    check(
        "npm:@playwright/cli@0.1.1",
        name,
        &right,
        NPM,
        "verified github.com/microsoft/playwright-cli (publish.yml) commit d1c6d1113932ddcee243e8b111b6d4aea553df20 at \
         2026-02-14T23:28:43.000Z: https://github.com/npm/attestation/tree/main/specs/publish/v0.1 \
         https://slsa.dev/provenance/v1",
    );
    check(
        "npm:@playwright/cli@0.1.2",
        name,
        &right,
        NPM,
        "invalid the statement is about `pkg:npm/@playwright/cli@0.1.1`, expected `pkg:npm/@playwright/cli@0.1.2`",
    );
    check(
        "npm:@playwright/cli@0.1.1",
        name,
        &digests(None, None),
        NPM,
        "invalid artifact mismatch: artifact hash does not match any subject in attestation",
    );
}

#[test]
fn provenance_that_pypi_serves_verifies() {
    let right = digests(Some(PYPI_SHA256), None);
    let name = "pypi_attestations-0.0.19.tar.gz";
    check(
        "pypi:pypi-attestations@0.0.19",
        name,
        &right,
        PYPI,
        "verified github.com/trailofbits/pypi-attestations (release.yml) commit \
         08802efe1f8e5fec4ad842d6b8ce97656092ee72 at 2024-12-04T23:14:01.000Z: \
         https://docs.pypi.org/attestations/publish/v1",
    );
    check(
        "pypi:pypi-attestations@0.0.19",
        "other-0.0.19.tar.gz",
        &right,
        PYPI,
        "invalid the statement is about `pypi_attestations-0.0.19.tar.gz`, expected `other-0.0.19.tar.gz`",
    );
    // The index's own word on the publisher is not signed: another one is noticed.
    let lied = String::from_utf8(PYPI.to_vec())
        .unwrap()
        .replace(r#""repository":"trailofbits/pypi-attestations""#, r#""repository":"evil/pypi-attestations""#);
    check(
        "pypi:pypi-attestations@0.0.19",
        name,
        &right,
        lied.as_bytes(),
        "invalid the index names GitHub evil/pypi-attestations as the publisher, the certificate \
         github.com/trailofbits/pypi-attestations (release.yml)",
    );
}
