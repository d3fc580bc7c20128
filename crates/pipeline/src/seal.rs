//! From a dossier and a ruling to a sealed certificate, or to what an operator decides about.

use std::collections::BTreeSet;

use sigma_certificate::{
    BallotLine, CoverageSummary, DeltaEntry, DistributionEntry, PackageCertificate, PackageExecution, PackagePayload,
    ProvenanceEntry, canonical_bytes, content_id, files_hash,
};
use sigma_core::{AnalysisType, Dossier, FileSet, ProvenanceStatus, PublisherChange, Ruling, Sha256, Timestamp};
use sigma_store::Sealed;

use crate::AuditError;
use crate::entry_points::{ARGUMENTS, executed};
use crate::review::execution_summary;

/// Other certificates that one names.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The one of the same bytes which it replaces: of an older ruleset, or audited anew.
    pub supersedes: Option<String>,
    /// The one of the version that the dossier's delta compares with.
    pub predecessor: Option<String>,
}

/// A round that was composed: what is sealed, or decided by an operator.
pub(crate) struct Composed {
    /// What would be sealed.
    pub payload: PackagePayload,
    /// Canonical bytes of the report.
    pub report: Vec<u8>,
    /// Canonical bytes of the ruling.
    pub round: Vec<u8>,
}

impl Composed {
    /// Seals it.
    ///
    /// # Errors
    /// When the council escalated: then an operator decides first.
    pub fn seal(self) -> Result<Sealed, AuditError> {
        let certificate =
            PackageCertificate::seal(self.payload).map_err(|error| AuditError::Internal(error.to_string()))?;
        Ok(Sealed { certificate, report: self.report, round: self.round })
    }
}

/// Puts together what the outcome of a round says. `file_sets` are those of the report's distributions, in the same order.
pub(crate) fn compose(
    dossier: &Dossier,
    file_sets: &[FileSet],
    unread: Vec<String>,
    ruling: Ruling,
    links: Links,
    at: Timestamp,
) -> Result<Composed, AuditError> {
    let internal = |error: &dyn std::fmt::Display| AuditError::Internal(error.to_string());
    let report = canonical_bytes(&dossier.report).map_err(|error| internal(&error))?;
    let round = canonical_bytes(&(&dossier.package, at, &ruling)).map_err(|error| internal(&error))?;
    let distributions: Vec<DistributionEntry> = dossier
        .report
        .distributions
        .iter()
        .zip(file_sets)
        .map(|(distribution, files)| DistributionEntry {
            filename: distribution.filename.clone(),
            kind: distribution.kind,
            size: distribution.digests.size,
            sha256: distribution.digests.sha256,
            sha512: distribution.digests.sha512,
            sha1: distribution.digests.sha1,
            file_set_hash: files_hash(files),
            coverage: CoverageSummary::from(&distribution.coverage),
        })
        .collect();
    let preferred = distributions.first().ok_or_else(|| internal(&"a release without distributions"))?;
    let all = &dossier.report.distributions;
    let capabilities: BTreeSet<_> = all.iter().flat_map(|distribution| distribution.capabilities.clone()).collect();
    let hooks: BTreeSet<_> = all.iter().flat_map(|distribution| distribution.install_hooks.clone()).collect();
    let advisories = PackagePayload::advisory_fields(&dossier.advisories, "at certification time");
    let delta = dossier.delta.as_ref().zip(links.predecessor);
    let people = &dossier.release.people;
    let execution = dossier.entry_points.as_ref().map(|runs| {
        let summaries = runs.runs.iter().map(|run| execution_summary(&run.execution, &ruling)).collect();
        PackageExecution::new(runs, summaries, ARGUMENTS)
    });
    let payload = PackagePayload {
        schema: PackagePayload::schema(),
        registry_source: dossier.package.ecosystem(),
        package_name: dossier.package.name().to_string(),
        package_version: dossier.package.version().to_owned(),
        distribution_sha256: preferred.sha256,
        council_verdict: ruling.verdict,
        security_level: ruling.level,
        analysis_type: dossier.report.analysis_type,
        certified_at: at,
        file_set_hash: preferred.file_set_hash,
        disclosures: disclosures(dossier, &distributions, &unread),
        distributions,
        unread_distributions: unread,
        capabilities: capabilities.into_iter().collect(),
        install_hooks: hooks.into_iter().collect(),
        yanked: dossier.release.yanked.as_deref().map(|text| sigma_core::printable(text, 300)),
        deprecated: dossier.release.deprecated.as_deref().map(|text| sigma_core::printable(text, 300)),
        publisher: people.publisher.clone(),
        maintainers: people.maintainers.as_ref().map(|names| names.iter().cloned().collect()),
        delta: delta.map(|(delta, previous)| {
            let entry = DeltaEntry::new(delta, previous, sigma_council::novelty(&ruling));
            DeltaEntry { summary: format!("{}{}", entry.summary, origin_news(dossier)), ..entry }
        }),
        registry_advisory_state: advisories.state,
        registry_advisory_source: advisories.source,
        registry_advisories_at: advisories.at,
        registry_advisory_count: advisories.count,
        registry_advisory_highest_severity: advisories.highest,
        registry_advisory_summary: advisories.summary,
        registry_advisories: advisories.advisories,
        round_id: content_id("rnd", "sigma-council-round/1", &round),
        ballots: ruling.ballots.iter().map(BallotLine::from).collect(),
        council_rationale: ruling.rationale,
        retained_warnings: ruling.warnings,
        ruleset_version: dossier.report.ruleset.clone(),
        report_hash: Sha256::of(&report),
        supersedes: links.supersedes,
        upstream_provenance: Some(ProvenanceEntry::from(&dossier.provenance)),
        execution,
    };
    Ok(Composed { payload, report, round })
}

/// What is new about the publisher, to be added to what is new in the files.
fn origin_news(dossier: &Dossier) -> &'static str {
    match dossier.provenance.change() {
        None => "",
        Some(PublisherChange::Lost) => "; its origin is no longer attested",
        Some(PublisherChange::Owner) => "; published by another owner",
        Some(PublisherChange::Repository) => "; published from another repository",
        Some(PublisherChange::Workflow) => "; published by another workflow",
    }
}

/// What was not checked, in sentences that end in a full stop.
fn disclosures(dossier: &Dossier, distributions: &[DistributionEntry], unread: &[String]) -> Vec<String> {
    let mut lines = executed(dossier.entry_points.as_ref());
    if let Some((_, local)) = dossier.report.ruleset.split_once('+') {
        lines.push(format!(
            "Rules of the operator ran beside the built-in ones ({local}): to repeat this, they are needed."
        ));
    }
    let binaries: u64 = distributions.iter().map(|distribution| distribution.coverage.binaries).sum();
    if binaries > 0 {
        lines.push(format!("{binaries} compiled file(s) are flagged and were not decompiled."));
    }
    if dossier.report.analysis_type == AnalysisType::BinaryOnly {
        lines.push("No source was available: compiled extensions only.".to_owned());
    }
    for distribution in distributions {
        let (name, coverage) = (&distribution.filename, &distribution.coverage);
        if coverage.gaps > 0 {
            lines.push(format!("{name}: {} place(s) were not read.", coverage.gaps));
        }
        if coverage.token_scanned > 0 {
            lines.push(format!(
                "{name}: {} of {} source file(s) do not parse and were read by a token scan.",
                coverage.token_scanned, coverage.source_files
            ));
        }
    }
    if !unread.is_empty() {
        lines.push(format!("{} other file(s) of the release were not read.", unread.len()));
    }
    match &dossier.delta {
        None => lines.push("No earlier version was certified: what is new in this one is unknown.".to_owned()),
        Some(delta) => lines.extend(
            delta.uncompared.iter().map(|what| format!("Not compared with version {}: {what}.", delta.previous)),
        ),
    }
    for one in &dossier.provenance.distributions {
        if one.status == ProvenanceStatus::Unavailable {
            let reason = one.reason.as_deref().unwrap_or("no reason is known");
            lines.push(format!("{}: attestations of its origin were unavailable: {reason}.", one.filename));
        }
    }
    if dossier.advisories.listed().is_none() {
        lines.push("Registry advisories were unavailable: nothing is known about them.".to_owned());
    }
    lines
}
