//! A certificate for tests and the bench.

use sigma_certificate::{CoverageSummary, DistributionEntry, PackagePayload};
use sigma_core::*;

/// The example of the specification, for any package.
pub fn payload(package: &str) -> PackagePayload {
    let package: PackageId = package.parse().unwrap();
    let content = package.to_string();
    let sha256 = Sha256::of(content.as_bytes());
    let mut sha512 = [0; 64];
    sha512[..32].copy_from_slice(sha256.as_bytes());
    let snapshot = AdvisorySnapshot {
        source: "PyPI release JSON".to_owned(),
        queried_at: "2026-04-15T10:23:41.000Z".parse().unwrap(),
        state: AdvisoryState::Listed { advisories: Vec::new() },
    };
    let fields = PackagePayload::advisory_fields(&snapshot, "at certification time");
    PackagePayload {
        schema: PackagePayload::schema(),
        registry_source: package.ecosystem(),
        package_name: package.name().to_string(),
        package_version: package.version().to_owned(),
        distribution_sha256: sha256,
        council_verdict: CouncilVerdict::Approved,
        security_level: SecurityLevel::Clear,
        retained_warnings: vec![],
        analysis_type: AnalysisType::Full,
        certified_at: "2026-04-15T10:23:41.000Z".parse().unwrap(),
        file_set_hash: Sha256::of(b"files"),
        distributions: vec![DistributionEntry {
            filename: "d.whl".to_owned(),
            kind: DistributionKind::Wheel,
            size: content.len() as u64,
            sha256,
            sha512: Sha512::from_bytes(sha512),
            sha1: Sha1::from_bytes([7; 20]),
            file_set_hash: Sha256::of(b"files"),
            coverage: CoverageSummary::from(&Coverage::default()),
        }],
        unread_distributions: vec![],
        capabilities: vec![],
        install_hooks: vec![],
        yanked: None,
        deprecated: None,
        publisher: None,
        maintainers: None,
        delta: None,
        registry_advisory_state: fields.state,
        registry_advisory_source: fields.source,
        registry_advisories_at: fields.at,
        registry_advisory_count: fields.count,
        registry_advisory_highest_severity: fields.highest,
        registry_advisory_summary: fields.summary,
        registry_advisories: fields.advisories,
        round_id: "rnd_x".to_owned(),
        ballots: vec![],
        council_rationale: "both panels SAFE".to_owned(),
        ruleset_version: "2026.11.3".to_owned(),
        report_hash: Sha256::of(b"{}"),
        supersedes: None,
        execution: None,
        disclosures: vec!["The analysis is static: the package was not executed.".to_owned()],
        upstream_provenance: None,
    }
}
