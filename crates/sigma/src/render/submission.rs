//! How reviews of code are printed.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use sigma_certificate::{
    CertificationStatus, CodeReview, Endpoints, ExecutionSummary, ManifestBlock, OnChain, PackageAnalysis,
    SubmissionView,
};
use sigma_core::{CouncilVerdict, Ruling, SecurityLevel, Warning};
use sigma_pipeline::{Audit, Coordination, Examination, Intake, Next, PriceTable};
use sigma_store::ListedSubmission;

use super::table::{level_color, paint, section};
use super::words;
use crate::args::Format;
use crate::config::Config;

/// A sealed certificate.
pub fn certificate(listed: &ListedSubmission, on_chain: OnChain, format: Format, config: &Config) -> Result<String> {
    let endpoints = Endpoints::new(config.api_base.as_str());
    let view = listed.certificate.view(&endpoints, listed.decision.as_ref(), on_chain);
    Ok(match format {
        Format::Json => format!("{:#}\n", serde_json::to_value(&view)?),
        Format::Table => table(&view),
        Format::Markdown => indented(&table(&view)),
    })
}

/// An indented code block: no fence that a piece of evidence could close.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// A review without certificate: of a folder, or escalated.
pub fn examined(examination: &Examination, ruling: &Ruling, format: Format) -> Result<String> {
    let certified = "nothing is certified";
    if let Format::Json = format {
        let value = json!({
            "certified": false,
            "councilVerdict": ruling.verdict,
            "securityLevel": ruling.level,
            "rationale": ruling.rationale,
            "retainedWarnings": ruling.warnings,
            "notExamined": examination.not_examined(),
            "examination": examination,
        });
        return Ok(format!("{value:#}\n"));
    }
    let dossier = &examination.dossier;
    let mut out = format!("{}  {}\n", examination.name, dossier.category);
    let preprocess = &dossier.preprocess;
    let _ = writeln!(out, "  {} file(s), {} bytes", dossier.files.files.len(), preprocess.report.digests.size);
    if let Some(language) = preprocess.language {
        let entry = examination.entry.as_deref().unwrap_or_default();
        let _ = writeln!(out, "  {} from {entry}, complexity {}", language.as_str(), preprocess.tier);
    }
    if let Some(execution) = &dossier.execution {
        section(&mut out, "Run", std::slice::from_ref(&execution.description));
    }
    warnings(&mut out, ruling.warnings.iter());
    section(&mut out, "Not examined", &examination.not_examined());
    let verdict = format!("{} ({})", ruling.verdict.as_str(), ruling.level);
    let _ = writeln!(out, "\n{}: {certified}", paint(&verdict, level_color(ruling.level)));
    let _ = writeln!(out, "  {}", ruling.rationale);
    if ruling.verdict == CouncilVerdict::Escalated {
        let _ = writeln!(out, "  an operator decides");
    }
    Ok(if let Format::Markdown = format { indented(&out) } else { out })
}

/// A submission whose packages stand in its way.
pub fn halted(
    intake: &Intake,
    audit: &Audit,
    coordination: &Coordination,
    prices: &PriceTable,
    format: Format,
) -> Result<String> {
    let word = match coordination.next {
        Next::Stop => "STOPPED",
        Next::Hold | Next::Proceed => "HELD",
    };
    if let Format::Json = format {
        let value = json!({
            "certified": false,
            "state": word.to_lowercase(),
            "reasons": coordination.reasons,
            "advisories": coordination.advisories,
            "packageAnalysis": audit.package_analysis(prices),
        });
        return Ok(format!("{value:#}\n"));
    }
    let mut out = format!("{}  {}\n", intake.name(), intake.category);
    section(&mut out, "Packages", &words::totals(&audit.package_analysis(prices)));
    let _ = writeln!(out, "\n{}: nothing was run", paint(word, level_color(SecurityLevel::Blocked)));
    for reason in coordination.reasons.iter().chain(&coordination.advisories) {
        let _ = writeln!(out, "  {reason}");
    }
    Ok(if let Format::Markdown = format { indented(&out) } else { out })
}

fn table(view: &SubmissionView<'_>) -> String {
    let payload = view.payload.as_ref();
    let version = payload.skill_version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
    let mut out = format!("{}{version}  {}\n", payload.skill_name, payload.category);
    let source = &payload.source;
    let _ = writeln!(out, "  {} at {}", source.source_url, source.commit);
    if !source.folder.is_empty() {
        let _ = writeln!(out, "  folder {}", source.folder);
    }
    if let Some(review) = &payload.code_review {
        code(&mut out, review);
    }
    if let Some(manifest) = &payload.manifest {
        skill(&mut out, manifest);
    }
    if let Some(review) = &payload.endpoint_review {
        let line =
            |one: &sigma_core::EndpointProbe| format!("{} {}: {}", one.method, one.url, words::probe(&one.outcome));
        section(&mut out, "Endpoints", &review.declared_endpoints.iter().map(line).collect::<Vec<_>>());
    }
    if let Some(analysis) = &payload.package_analysis {
        section(&mut out, "Packages", &packages(analysis));
    }
    warnings(&mut out, payload.review.retained_errors.iter().chain(&payload.review.retained_warnings));
    section(&mut out, "Not examined", &payload.disclosures);
    let level = payload.review.security_level;
    let verdict = format!("{} ({level})", payload.council_verdict.as_str());
    let _ = writeln!(out, "\n{}", paint(&verdict, level_color(level)));
    let _ = writeln!(out, "  {}", payload.council_rationale);
    if let Some(decision) = &view.operator_decision {
        let _ = writeln!(out, "  {} by an operator: {}", decision.status.as_str(), decision.reason);
    }
    let _ = writeln!(out, "  certificate {} (schema {})", view.certificate_id, payload.certificate_schema_version);
    let _ = writeln!(out, "  {} {}", view.payload_hash_algorithm, view.payload_hash);
    let _ = writeln!(out, "  verify at {} (once it is published there)", view.verify_endpoint);
    out
}

fn code(out: &mut String, review: &CodeReview) {
    let (integrity, pre) = (&review.source_integrity, &review.pre_processor);
    let pinned = match pre.dependencies_pinned {
        Some(true) => "dependencies pinned",
        Some(false) => "dependencies not pinned",
        None => "no dependencies declared",
    };
    let capabilities: Vec<&str> = pre.capabilities.iter().map(|one| one.as_str()).collect();
    let mut lines = vec![
        format!("{} from {}, {} file(s)", integrity.language.as_str(), integrity.entry_point, integrity.files.len()),
        format!("{} {}", integrity.code_files_hash_algorithm, integrity.code_files_hash),
        format!("complexity {}, {pinned}", pre.complexity_tier),
        format!(
            "{} finding(s) that the entry point reaches, {} that it does not",
            pre.findings_reachable, pre.findings_unreachable
        ),
        format!(
            "able to: {}",
            if capabilities.is_empty() { "nothing of note".to_owned() } else { capabilities.join(", ") }
        ),
    ];
    let mut listed = |what: &str, names: &[String]| {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    };
    listed("imported and not declared", &pre.undeclared_imports);
    listed("declared and not imported", &pre.unused_packages);
    if let Some(delta) = &pre.manifest_delta {
        let texts = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        listed("hosts that SKILL.md does not declare", &texts(&delta.undeclared_hosts));
        listed("declared hosts that the code does not name", &texts(&delta.unused_hosts));
        let words: Vec<String> = delta.undeclared_capabilities.iter().map(|one| one.as_str().to_owned()).collect();
        listed("capabilities that SKILL.md does not declare", &words);
        listed("declared capabilities that the code does not have", &texts(&delta.unused_capabilities));
    }
    section(out, "Code", &lines);
    section(out, "Run", &run(&review.execution));
}

fn run(execution: &ExecutionSummary) -> Vec<String> {
    let mut lines = vec![execution.description.clone()];
    if let (Some(tier), Some(interpreter)) = (execution.sandbox_tier, &execution.interpreter) {
        lines.push(format!("{interpreter}, isolation: {}", words::tier(tier)));
    }
    for flag in &execution.retained_risk_flags {
        lines.push(format!("{:?}: {}", flag.severity, flag.message));
    }
    if let Some(harness) = &execution.harness {
        let told = harness.description.as_deref().or(harness.reason.as_deref()).unwrap_or_default();
        let what = if harness.used == "model" { "was run" } else { "was not run" };
        lines.push(format!("a harness by {} {what}: {told}", harness.model));
    }
    lines
}

fn skill(out: &mut String, manifest: &ManifestBlock) {
    let mut lines = Vec::new();
    lines.extend(manifest.description.clone());
    for call in &manifest.external_calls {
        let reason = call.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
        lines.push(format!("declares {} {}{reason}", call.method, call.url));
    }
    lines.extend(manifest.problems.iter().cloned());
    section(out, "SKILL.md", &lines);
}

fn packages(analysis: &PackageAnalysis) -> Vec<String> {
    let mut lines = words::totals(analysis);
    for entry in &analysis.packages {
        let serious = entry.security_level.is_some_and(|level| level >= SecurityLevel::Caution);
        if serious || entry.status == CertificationStatus::Uncertified && words::needs_explaining(entry) {
            lines.push(format!(
                "{} {} ({}): {}",
                entry.package_name,
                words::version(entry),
                words::depth(entry.dependency_type),
                entry.reason.as_deref().unwrap_or_else(|| words::level(entry))
            ));
        }
    }
    lines
}

fn warnings<'w>(out: &mut String, warnings: impl Iterator<Item = &'w Warning>) {
    let mut lines = Vec::new();
    for warning in warnings {
        let (sentence, seen) = words::warning(warning);
        lines.push(sentence);
        lines.extend(seen.map(|seen| format!("  {seen}")));
    }
    if !lines.is_empty() {
        section(out, "Why", &lines);
    }
}
