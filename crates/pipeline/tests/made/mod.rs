//! Certificates that no audit made, and the time of the tests.

use sigma_certificate::{PackageCertificate, PackagePayload};
use sigma_core::{Sha256, Timestamp};

/// A time of the tests, in seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_790_000_000 + seconds) * 1000)
}

pub fn certificate(name: &str) -> PackageCertificate {
    let sha256 = Sha256::of(name.as_bytes());
    let payload = serde_json::json!({
        "schema": "sigma-package-certificate/1", "registrySource": "pypi", "packageName": name, "packageVersion": "1.0",
        "distributionSha256": sha256, "councilVerdict": "APPROVED", "securityLevel": "CLEAR", "retainedWarnings": [],
        "analysisType": "FULL", "certifiedAt": at(0), "fileSetHash": sha256,
        "distributions": [{
            "filename": format!("{name}-1.0-py3-none-any.whl"), "kind": "wheel", "size": 9,
            "sha256": sha256, "sha512": sigma_core::Sha512::from_bytes([7; 64]),
            "sha1": sigma_core::Sha1::from_bytes([7; 20]), "fileSetHash": sha256,
            "coverage": {"files": 3, "bytes": 120, "sourceFiles": 2, "sourceBytes": 100, "parsed": 2, "tokenScanned": 0,
                "binaries": 0, "gaps": 0},
        }],
        "unreadDistributions": [], "capabilities": [], "installHooks": [], "yanked": null, "deprecated": null,
        "publisher": null, "maintainers": null, "delta": null, "registryAdvisoryState": "listed",
        "registryAdvisorySource": "pypi release JSON", "registryAdvisoriesAt": at(0), "registryAdvisoryCount": 0,
        "registryAdvisoryHighestSeverity": null, "registryAdvisorySummary": "None.", "registryAdvisories": [],
        "roundId": "round_1", "ballots": [], "councilRationale": "Both panels are SAFE.", "rulesetVersion": "1",
        "reportHash": sha256, "supersedes": null, "disclosures": [],
    });
    PackageCertificate::seal(serde_json::from_value::<PackagePayload>(payload).unwrap()).unwrap()
}
