//! Attestations of a made-up Sigstore: what holds, and every way in which one does not.

use proptest::prelude::*;
use sigma_core::{Digests, PackageId, ProvenanceStatus};
use sigma_provenance::{Attested, Roots};
use sigma_testkit::{Built, FakeSigstore, Flaw, NpmTarball, Wheel, Workload};

fn digests(built: &Built) -> Digests {
    Digests { sha256: built.sha256(), sha512: built.sha512(), sha1: built.sha1(), size: built.bytes.len() as u64 }
}

fn roots(sigstore: &FakeSigstore) -> Roots {
    Roots::with(Some(&sigstore.trusted_root()), Some(&sigstore.npm_keys())).unwrap()
}

fn npm() -> (PackageId, Built) {
    let built = NpmTarball::new("@acme/demo", "1.0.0").file("index.js", "x = 1\n").build();
    ("npm:@acme/demo@1.0.0".parse().unwrap(), built)
}

fn pypi() -> (PackageId, Built) {
    let built = Wheel::new("demo", "1.0.0").file("demo/__init__.py", "x = 1\n").build();
    ("pypi:demo@1.0.0".parse().unwrap(), built)
}

/// The outcome in a line: status, `?` for roots that are not known, publisher or reason.
fn outcome(roots: &Roots, (package, built): &(PackageId, Built), document: &[u8]) -> String {
    let digests = digests(built);
    let got = roots.verify(Attested { package, filename: &built.filename, digests: &digests }, document);
    assert_eq!(got.publisher.is_some(), got.status == ProvenanceStatus::Verified);
    let said = got.publisher.map(|publisher| publisher.words()).or(got.reason).unwrap_or_default();
    format!("{}{} {said}", got.status, if got.unknown_roots { "?" } else { "" })
}

fn check(flaw: Flaw, expect_npm: &str, expect_pypi: &str) {
    let sigstore = FakeSigstore::new();
    let (roots, by) = (roots(&sigstore), Workload::github("acme/demo"));
    let matches = |got: &str, expect: &str| assert!(got.starts_with(expect), "{flaw:?}: got {got}, expected {expect}");
    let tarball = npm();
    matches(&outcome(&roots, &tarball, sigstore.npm(&tarball.1, &by, flaw).to_string().as_bytes()), expect_npm);
    let wheel = pypi();
    matches(&outcome(&roots, &wheel, sigstore.pypi(&wheel.1, &by, flaw).to_string().as_bytes()), expect_pypi);
}

#[test]
fn what_holds_names_its_publisher() {
    check(Flaw::None, "verified github.com/acme/demo (release.yml)", "verified github.com/acme/demo (release.yml)");
}

#[test]
fn every_flaw_is_named() {
    let same = |flaw, expect| check(flaw, expect, expect);
    same(Flaw::OtherDigest, "invalid artifact mismatch");
    check(
        Flaw::OtherSubject,
        "invalid the statement is about `pkg:npm/@acme/demo@9.9.9`",
        "invalid the statement is about `other-9.9.9.tar.gz`",
    );
    same(Flaw::LoggedLate, "invalid certificate chain is invalid: certificate chain validation failed: CertExpired");
    same(Flaw::OtherLogKey, "invalid invalid inclusion promise: SET verification failed");
    same(Flaw::UnknownLog, "invalid? it is in the log ");
    same(Flaw::UnknownAuthority, "invalid? its certificate is of an authority, which is not among the pinned roots");
    same(Flaw::NoSct, "invalid invalid signed certificate timestamp: certificate is missing SCT extension");
    same(Flaw::OtherCtKey, "invalid invalid signed certificate timestamp: SCT signature verification failed");
    check(Flaw::OtherRegistryKey, "invalid invalid signature", "verified");
    check(Flaw::NoPublish, "invalid there is no publish attestation of the registry", "verified");
}

#[test]
fn what_is_of_another_root_does_not_hold() {
    let (sigstore, by) = (FakeSigstore::new(), Workload::github("acme/demo"));
    let (tarball, wheel) = (npm(), pypi());
    let pinned = Roots::pinned().unwrap();
    let document = sigstore.npm(&tarball.1, &by, Flaw::None).to_string();
    assert!(outcome(&pinned, &tarball, document.as_bytes()).starts_with("invalid? "));
    let document = sigstore.pypi(&wheel.1, &by, Flaw::None).to_string();
    assert!(outcome(&pinned, &wheel, document.as_bytes()).starts_with("invalid? "));
}

#[test]
fn what_is_no_attestation_is_invalid_and_what_is_newer_is_not_checked() {
    let (sigstore, by) = (FakeSigstore::new(), Workload::github("acme/demo"));
    let roots = roots(&sigstore);
    let (tarball, wheel) = (npm(), pypi());
    for document in ["", "{}", "[]", "null", "{\"attestations\": {}}", "\u{0}", "{\"attestations\": []}"] {
        assert!(outcome(&roots, &tarball, document.as_bytes()).starts_with("invalid "), "{document}");
        assert!(outcome(&roots, &wheel, document.as_bytes()).starts_with("invalid "), "{document}");
    }
    let deep = format!("{{\"attestations\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(outcome(&roots, &tarball, deep.as_bytes()).starts_with("invalid "));
    let long = vec![b' '; sigma_provenance::MAX_DOCUMENT + 1];
    assert!(outcome(&roots, &tarball, &long).starts_with("unavailable "));

    let mut newer = sigstore.npm(&tarball.1, &by, Flaw::None);
    newer["attestations"][0]["bundle"]["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.9+json".into();
    assert!(outcome(&roots, &tarball, newer.to_string().as_bytes()).starts_with("unavailable got a bundle of type"));
    let mut newer = sigstore.pypi(&wheel.1, &by, Flaw::None);
    newer["attestation_bundles"][0]["publisher"]["kind"] = "Elsewhere".into();
    assert!(outcome(&roots, &wheel, newer.to_string().as_bytes()).starts_with("unavailable got a publisher of kind"));
    let mut many = sigstore.npm(&tarball.1, &by, Flaw::None);
    let one = many["attestations"][0].clone();
    many["attestations"] = vec![one; 17].into();
    assert!(outcome(&roots, &tarball, many.to_string().as_bytes()).starts_with("invalid got more than 16"));
}

#[test]
fn a_publisher_that_the_index_makes_up_is_noticed() {
    let (sigstore, by) = (FakeSigstore::new(), Workload::github("acme/demo"));
    let (roots, wheel) = (roots(&sigstore), pypi());
    for (field, value) in
        [("repository", "acme/other"), ("workflow", "other.yml"), ("kind", "GitLab"), ("kind", "Google")]
    {
        let mut document = sigstore.pypi(&wheel.1, &by, Flaw::None);
        document["attestation_bundles"][0]["publisher"][field] = value.into();
        let got = outcome(&roots, &wheel, document.to_string().as_bytes());
        assert!(got.starts_with("invalid the index names "), "{field}: {got}");
    }
}

#[test]
fn a_timestamp_that_is_there_must_hold() {
    let (sigstore, by) = (FakeSigstore::new(), Workload::github("acme/demo"));
    let (roots, wheel) = (roots(&sigstore), pypi());
    let mut document = sigstore.pypi(&wheel.1, &by, Flaw::None);
    let material = &mut document["attestation_bundles"][0]["attestations"][0]["verification_material"];
    material["timestamps"] = serde_json::json!(["MIIE6jADAgEA"]);
    let got = outcome(&roots, &wheel, document.to_string().as_bytes());
    assert!(got.starts_with("invalid invalid RFC 3161 timestamp"), "{got}");
    let material = &mut document["attestation_bundles"][0]["attestations"][0]["verification_material"];
    material["timestamps"] = serde_json::json!([]);
    assert!(outcome(&roots, &wheel, document.to_string().as_bytes()).starts_with("verified "));
    // Entries of Rekor's second generation that this library does not read are not checked, and no lie.
    document["attestation_bundles"][0]["attestations"][0]["verification_material"]["transparency_entries"][0]["kindVersion"]
        ["version"] = "0.0.2".into();
    let got = outcome(&roots, &wheel, document.to_string().as_bytes());
    assert!(got.starts_with("unavailable got a log entry of kind `dsse` 0.0.2"), "{got}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever byte is changed: no panic, and never another publisher. (A byte that no check covers, such as one of white
    /// space or of a field that nobody reads, may leave it verified.)
    #[test]
    fn flipped_bytes_never_make_another_publisher(at in 0_usize..20_000, bit in 0_u8..8, of_npm: bool) {
        thread_local! {
            static SCENE: (Roots, [(PackageId, Built); 2], [String; 2]) = {
                let (sigstore, by) = (FakeSigstore::new(), Workload::github("acme/demo"));
                let (tarball, wheel) = (npm(), pypi());
                let documents = [
                    sigstore.npm(&tarball.1, &by, Flaw::None).to_string(),
                    sigstore.pypi(&wheel.1, &by, Flaw::None).to_string(),
                ];
                (roots(&sigstore), [tarball, wheel], documents)
            };
        }
        SCENE.with(|(roots, packages, documents)| {
            let which = usize::from(!of_npm);
            let mut document = documents[which].clone().into_bytes();
            let at = at % document.len();
            document[at] ^= 1 << bit;
            let got = outcome(roots, &packages[which], &document);
            let known = got.starts_with("invalid") || got.starts_with("unavailable")
                || got == "verified github.com/acme/demo (release.yml)";
            prop_assert!(known, "{got}");
            Ok(())
        })?;
    }

    /// The same inside of what is encoded: certificate, log entry, statement. There every byte is covered by a signature.
    #[test]
    fn flipped_bytes_inside_are_noticed(part in 0_usize..4, at in 0_usize..20_000, bit in 0_u8..8) {
        thread_local! {
            static SCENE: (Roots, (PackageId, Built), serde_json::Value) = {
                let (sigstore, wheel) = (FakeSigstore::new(), pypi());
                let document = sigstore.pypi(&wheel.1, &Workload::github("acme/demo"), Flaw::None);
                (roots(&sigstore), wheel, document)
            };
        }
        const PARTS: [&str; 4] = [
            "/verification_material/certificate",
            "/verification_material/transparency_entries/0/canonicalizedBody",
            "/verification_material/transparency_entries/0/inclusionPromise/signedEntryTimestamp",
            "/envelope/statement",
        ];
        SCENE.with(|(roots, wheel, document)| {
            let mut document = document.clone();
            let place = format!("/attestation_bundles/0/attestations/0{}", PARTS[part]);
            let value = document.pointer_mut(&place).unwrap();
            let mut bytes = data_encoding::BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            *value = data_encoding::BASE64.encode(&bytes).into();
            let got = outcome(roots, wheel, document.to_string().as_bytes());
            prop_assert!(got.starts_with("invalid") || got.starts_with("unavailable"), "{}: {got}", PARTS[part]);
            Ok(())
        })?;
    }
}
