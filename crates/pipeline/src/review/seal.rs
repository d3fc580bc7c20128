//! From an examination and a ruling to the payload of a certificate.

use std::collections::BTreeSet;

use sigma_certificate::{
    BallotLine, CodeReview, EndpointReview, ExecutionSummary, FILES_HASH_ALGORITHM, HarnessSummary, IncludedFile,
    ManifestBlock, PreProcessorSummary, Review, Safety, SandboxRisk, SourceBlock, SourceIntegrity, SourceType,
    SubmissionCertificate, SubmissionPayload, canonical_bytes, content_id, files_hash,
};
use sigma_core::{
    CodeLanguage, Execution, ExecutionStatus, ModelHarness, Preprocess, Ruling, Severity, Sha256, SkillManifest,
    Timestamp, printable,
};
use sigma_store::SealedSubmission;

use super::Examination;
use crate::AuditError;

/// Entries of each list of a run that a certificate holds; the dossier holds all that were recorded.
const LISTED: usize = 25;

const DISCLAIMER: &str = "This certificate covers the code at the stated commit only. It does not extend to future versions or \
    forked copies. Sandboxed execution used mock environment variables rather than live credentials: the certificate reflects \
    behaviour under test conditions, not necessarily every possible live deployment configuration.";

/// How a round came to its outcome.
pub(super) struct Round<'a> {
    pub submission: &'a str,
    pub ruling: &'a Ruling,
    /// `two-phase` or `operator`.
    pub kind: &'a str,
    pub supersedes: Option<String>,
    pub at: Timestamp,
}

/// Seals. `None` where the submission is of a folder, which nobody else could check.
pub(super) fn seal(examination: &Examination, round: Round<'_>) -> Result<Option<SealedSubmission>, AuditError> {
    let internal = |error: &dyn std::fmt::Display| AuditError::Internal(error.to_string());
    let Some((url, requested, commit)) = examination.repository() else { return Ok(None) };
    let (dossier, ruling) = (&examination.dossier, round.ruling);
    let preprocess = &dossier.preprocess;
    let report = canonical_bytes(preprocess).map_err(|error| internal(&error))?;
    let kept = canonical_bytes(examination).map_err(|error| internal(&error))?;
    let rounds = canonical_bytes(&(round.submission, round.at, ruling)).map_err(|error| internal(&error))?;
    let category = dossier.category;
    let code_review = match (preprocess.language, &dossier.execution) {
        (Some(language), Some(execution)) if category.has_code() => {
            Some(code_review(examination, (url, commit), language, execution, ruling))
        }
        _ => None,
    };
    let endpoint_review = category.has_api().then(|| EndpointReview {
        declared_endpoints: dossier.probes.clone(),
        observed_urls: observed(preprocess, dossier.execution.as_ref()),
    });
    let skill = preprocess.skill.as_ref().filter(|_| category.has_skill());
    let (errors, warnings) = ruling.warnings.iter().cloned().partition(|warning| warning.severity >= Severity::High);
    let payload = SubmissionPayload {
        certificate_schema_version: category.schema_version(),
        category,
        skill_name: examination.name.clone(),
        skill_version: skill.and_then(|skill| skill.version.clone()),
        council_verdict: ruling.verdict,
        certified_at: round.at,
        source: SourceBlock {
            source_type: SourceType::Git,
            source_url: url.to_owned(),
            source_ref: printable(requested, 255),
            commit: commit.to_owned(),
            folder: examination.folder.clone(),
            entry: examination.entry.clone(),
        },
        review: Review {
            security_level: ruling.level,
            retained_errors: errors,
            retained_warnings: warnings,
            sandbox_risk_level: examination.run_at.and(dossier.execution.as_ref()).map(risk),
            sandbox_analyzed_at: examination.run_at,
        },
        manifest: skill.map(manifest),
        endpoint_review,
        code_review,
        package_analysis: examination.packages.clone().filter(|_| category.has_packages()),
        advisory_note: dossier.note.clone(),
        round_id: content_id("rnd", "sigma-council-round/1", &rounds),
        round_type: round.kind.to_owned(),
        ballots: ruling.ballots.iter().map(BallotLine::from).collect(),
        council_rationale: ruling.rationale.clone(),
        ruleset_version: preprocess.ruleset.clone(),
        report_hash: Sha256::of(&report),
        supersedes: round.supersedes,
        disclosures: examination.not_examined(),
    };
    let certificate = SubmissionCertificate::seal(payload).map_err(|error| internal(&error))?;
    let submission = round.submission.to_owned();
    Ok(Some(SealedSubmission { submission, certificate, dossier: kept, round: rounds }))
}

fn code_review(
    examination: &Examination,
    (url, commit): (&str, &str),
    language: CodeLanguage,
    execution: &Execution,
    ruling: &Ruling,
) -> CodeReview {
    let dossier = &examination.dossier;
    CodeReview {
        source_integrity: SourceIntegrity {
            repository_url: url.to_owned(),
            commit_sha: commit.to_owned(),
            language,
            entry_point: examination.entry.clone().unwrap_or_default(),
            code_files_hash: files_hash(&dossier.files),
            code_files_hash_algorithm: FILES_HASH_ALGORITHM.to_owned(),
            files: dossier.files.files.iter().map(IncludedFile::from).collect(),
        },
        pre_processor: pre_processor(&dossier.preprocess),
        execution: execution_summary(execution, ruling),
        disclaimer: DISCLAIMER.to_owned(),
    }
}

fn pre_processor(preprocess: &Preprocess) -> PreProcessorSummary {
    let report = &preprocess.report;
    let reached = |reached: bool| {
        report.findings.iter().filter(|finding| finding.reached.unwrap_or(true) == reached).count() as u64
    };
    PreProcessorSummary {
        complexity_tier: preprocess.tier,
        files_analysed: report.coverage.files,
        files_parsed: report.coverage.parsed,
        files_not_read_in_full: report.coverage.skipped_total,
        dependencies_pinned: preprocess.dependencies_pinned,
        capabilities: report.capabilities.iter().copied().collect(),
        hosts: report.hosts.iter().cloned().collect(),
        findings_reachable: reached(true),
        findings_unreachable: reached(false),
        manifest_delta: preprocess.skill.as_ref().map(|_| preprocess.delta.clone()),
        undeclared_imports: preprocess.undeclared_imports.iter().cloned().collect(),
        unused_packages: preprocess.unused_packages.iter().cloned().collect(),
    }
}

/// The run, with those of its flags that the council retained at HIGH or CRITICAL.
pub(crate) fn execution_summary(execution: &Execution, ruling: &Ruling) -> ExecutionSummary {
    let (status, reason) = match &execution.status {
        ExecutionStatus::Completed => ("completed", None),
        ExecutionStatus::Skipped { reason } => ("skipped", Some(reason.clone())),
        ExecutionStatus::Error { reason } => ("error", Some(reason.clone())),
    };
    let retained: BTreeSet<&str> = ruling
        .warnings
        .iter()
        .filter(|warning| warning.severity >= Severity::High)
        .filter_map(|warning| warning.code.strip_prefix("execution/"))
        .collect();
    let flags = execution.flags.iter().filter(|flag| flag.severity >= Severity::High);
    ExecutionSummary {
        status: status.to_owned(),
        reason,
        sandbox_tier: execution.tier,
        interpreter: execution.interpreter.clone(),
        network_attempts: execution.network.total,
        network: execution.network.listed.iter().take(LISTED).cloned().collect(),
        spawn_attempts: execution.spawns.total,
        spawns: execution.spawns.listed.iter().take(LISTED).cloned().collect(),
        files_written: execution.writes.total,
        writes: execution.writes.listed.iter().take(LISTED).cloned().collect(),
        refused_calls: execution.refused.clone(),
        exercised: execution.exercises.iter().take(LISTED).cloned().collect(),
        functions_reached: execution.functions_reached,
        functions_total: execution.functions_total,
        description: execution.description.clone(),
        retained_risk_flags: flags.filter(|flag| retained.contains(flag.code.as_str())).cloned().collect(),
        harness: execution.harness.as_deref().map(harness_summary),
    }
}

fn harness_summary(harness: &ModelHarness) -> HarnessSummary {
    let ran = harness.run.as_ref();
    HarnessSummary {
        used: if ran.is_some() { "model" } else { "generated" }.to_owned(),
        reason: harness.fallback.clone(),
        model: harness.author.model.clone(),
        family: harness.author.family.clone(),
        prompt_sha256: harness.author.prompt_sha256,
        source_sha256: harness.source_sha256,
        network_attempts: ran.map(|ran| ran.network.total),
        network: ran.into_iter().flat_map(|ran| &ran.network.listed).take(LISTED).cloned().collect(),
        spawn_attempts: ran.map(|ran| ran.spawns.total),
        spawns: ran.into_iter().flat_map(|ran| &ran.spawns.listed).take(LISTED).cloned().collect(),
        files_written: ran.map(|ran| ran.writes.total),
        exercised: ran.into_iter().flat_map(|ran| &ran.exercises).take(LISTED).cloned().collect(),
        description: ran.map(|ran| ran.description.clone()),
    }
}

fn risk(execution: &Execution) -> SandboxRisk {
    let by_model = execution.harness.iter().filter_map(|harness| harness.run.as_ref()).flat_map(|ran| &ran.flags);
    match execution.flags.iter().chain(by_model).map(|flag| flag.severity).max() {
        Some(Severity::Critical) => SandboxRisk::Critical,
        Some(Severity::High) => SandboxRisk::High,
        Some(Severity::Medium) => SandboxRisk::Medium,
        Some(Severity::Low | Severity::Info) | None => SandboxRisk::Low,
    }
}

fn manifest(skill: &SkillManifest) -> ManifestBlock {
    let words = |of: &[&str]| {
        skill.capabilities.iter().any(|word| of.iter().any(|part| word.to_ascii_lowercase().contains(part)))
    };
    ManifestBlock {
        sha256: skill.sha256_lf,
        description: skill.description.clone(),
        license: skill.license.clone(),
        safety: Safety {
            network: !skill.external_calls.is_empty() || words(&["net", "http", "web", "fetch", "api"]),
            filesystem: words(&["file", "fs", "read", "write"]),
        },
        capabilities: skill.capabilities.clone(),
        external_calls: skill.external_calls.clone(),
        allowed_tools: skill.allowed_tools.clone(),
        problems: skill.problems.iter().map(|problem| format!("{}: {}", problem.at, problem.message)).collect(),
    }
}

/// Hosts that the code names, and those that it tried to reach.
fn observed(preprocess: &Preprocess, execution: Option<&Execution>) -> Vec<String> {
    let attempts = execution.into_iter().flat_map(|execution| &execution.network.listed);
    let tried = attempts.filter_map(|attempt| attempt.host.clone().or_else(|| attempt.destination.clone()));
    let all: BTreeSet<String> = preprocess.report.hosts.iter().cloned().chain(tried).collect();
    all.into_iter().collect()
}
