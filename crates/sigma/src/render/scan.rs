//! Scans of local files: what was found, what was read, and what nobody was asked.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};
use sigma_core::{CouncilVerdict, DistributionReport, FileState, Finding, SecurityLevel, SourceState};
use sigma_pipeline::WaiverUse;

use super::{json as audit_json, markdown, table, words};
use crate::Outcome;
use crate::args::{self, Format};
use crate::commands::scan::Row;

/// Findings that are shown of one distribution.
const SHOWN: usize = 30;

/// The result of a scan.
pub fn scans(rows: &[Row], waivers: &[WaiverUse], ruleset: &str, command: &args::Scan) -> Result<String> {
    Ok(match command.format {
        Format::Json => json(rows, waivers, ruleset, command)?,
        Format::Table => text(rows, waivers, ruleset, command.coverage),
        // An indented code block: no fence that a piece of evidence could close.
        Format::Markdown => {
            let mut out = String::from("## SIGMA scan\n\n");
            for row in rows {
                let path = markdown::escape(&sigma_core::printable(&row.path.display().to_string(), 300));
                let _ = writeln!(out, "- {path}: {}", verdict(row));
            }
            out.push('\n');
            out + &text(rows, waivers, ruleset, command.coverage)
                .lines()
                .map(|line| format!("    {line}\n"))
                .collect::<String>()
        }
    })
}

fn json(rows: &[Row], waivers: &[WaiverUse], ruleset: &str, command: &args::Scan) -> Result<String> {
    let scans = rows.iter().map(|row| {
        let mut scan = json!({
            "path": row.path.display().to_string(),
            "securityLevel": row.scan.ruling.level,
            "councilVerdict": row.scan.ruling.verdict.as_str(),
            "levelAfterWaivers": row.left,
            "decision": match row.outcome(command.fail_on) {
                Outcome::Pass => "pass",
                Outcome::PolicyFailure => "fail",
                Outcome::Undecided | Outcome::Stale => "undecided",
            },
            "rationale": row.scan.ruling.rationale,
            "warnings": row.scan.ruling.warnings,
            "report": serde_json::to_value(&row.scan.report)?,
        });
        if command.coverage {
            scan["files"] = serde_json::to_value(&row.scan.map)?;
        }
        Ok(scan)
    });
    let value = json!({
        "rulesetVersion": ruleset,
        "failOn": command.fail_on,
        "scans": scans.collect::<Result<Vec<Value>>>()?,
        "waivers": audit_json::waivers(waivers),
        "notChecked": NOT_CHECKED,
    });
    Ok(format!("{value:#}\n"))
}

/// What a scan never does, so that nobody takes it for an audit.
const NOT_CHECKED: [&str; 3] = [
    "no certificate exists and none was made: a scan sees local files only",
    "no advisories were asked for, and no published digest was compared",
    "the files were analysed statically and not executed; dependencies were not looked at",
];

fn text(rows: &[Row], waivers: &[WaiverUse], ruleset: &str, map: bool) -> String {
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let path = sigma_core::printable(&row.path.display().to_string(), 300);
        let level = row.scan.ruling.level;
        let _ = writeln!(out, "{path}  {}", table::paint(&verdict(row), table::level_color(level)));
        for (distribution, files) in row.scan.report.distributions.iter().zip(&row.scan.map) {
            if row.scan.report.distributions.len() > 1 {
                let kind = serde_json::to_value(distribution.kind).unwrap_or_default();
                let _ = writeln!(out, "  as {}", kind.as_str().unwrap_or_default());
            }
            findings(&mut out, distribution);
            coverage(&mut out, distribution);
            if map {
                files.iter().for_each(|file| read(&mut out, file));
            }
        }
        for warning in row.scan.ruling.warnings.iter().filter(|warning| warning.location.is_none()) {
            let _ = writeln!(out, "  {}", words::warning(warning).0);
        }
    }
    if !waivers.is_empty() {
        table::section(&mut out, "Waivers", &words::waivers(waivers));
    }
    let lines: Vec<String> = NOT_CHECKED.iter().map(|line| (*line).to_owned()).collect();
    table::section(&mut out, "Not checked", &lines);
    let _ = writeln!(out, "\nruleset {ruleset}");
    out
}

fn verdict(row: &Row) -> String {
    let ruling = &row.scan.ruling;
    let left = if row.left < ruling.level { format!(" ({} after waivers)", row.left) } else { String::new() };
    match ruling.verdict {
        CouncilVerdict::Escalated => format!("{}{left}, undecided: {}", ruling.level, ruling.rationale),
        _ => format!("{}{left}", ruling.level),
    }
}

/// The findings that ask for more than CLEAR, the worst first, with their place, their evidence and the file's digest.
fn findings(out: &mut String, distribution: &DistributionReport) {
    let level = |finding: &Finding| sigma_council::level_of(finding);
    let mut told: Vec<&Finding> =
        distribution.findings.iter().filter(|finding| level(finding) > SecurityLevel::Clear).collect();
    told.sort_by(|a, b| level(b).cmp(&level(a)).then_with(|| a.cmp(b)));
    for finding in told.iter().take(SHOWN) {
        let word = level(finding).as_str().to_ascii_lowercase();
        let _ = writeln!(out, "  {word}: {} [{}]", finding.message, finding.rule);
        let place = match (finding.file.as_str(), finding.line) {
            ("", _) => distribution.filename.clone(),
            (file, 0) => file.to_owned(),
            (file, line) => format!("{file}:{line}"),
        };
        let reached = match finding.reached {
            Some(true) => "  (reached from the entry point)",
            Some(false) => "  (not reached from the entry point)",
            None => "",
        };
        let _ = writeln!(out, "    {place}  {}{reached}", finding.evidence);
        if let Some(digest) = distribution.coverage.cited.get(&finding.file) {
            let _ = writeln!(out, "    sha256 {digest}");
        }
    }
    if told.len() > SHOWN {
        let _ = writeln!(out, "  and {} more; --format json tells them all", told.len() - SHOWN);
    }
}

/// How far one file was read, and why not further.
fn read(out: &mut String, file: &SourceState) {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let state = word(&serde_json::to_value(file.state).unwrap_or_default());
    let why = match (file.reason, file.state) {
        (Some(reason), _) => word(&serde_json::to_value(reason).unwrap_or_default()),
        (None, FileState::Parsed) => "complete".to_owned(),
        (None, FileState::TokenScanned | FileState::OverLimit) => "not parsed".to_owned(),
        (None, FileState::TextScanned) => "a text in no language that is parsed".to_owned(),
        (None, FileState::Opened) => "an archive; its members follow".to_owned(),
        (None, FileState::Binary) => "compiled; what it imports was read".to_owned(),
        (None, FileState::Hashed) => "no text".to_owned(),
    };
    let _ = writeln!(out, "    {state:<13} {}  ({why})", file.path);
}

fn coverage(out: &mut String, distribution: &DistributionReport) {
    let coverage = &distribution.coverage;
    let _ = writeln!(
        out,
        "  {} files, {} of them source: {} parsed, {} token-scanned; {} compiled, {} not read in full",
        coverage.files,
        coverage.source_files,
        coverage.parsed,
        coverage.token_scanned,
        coverage.binaries.len(),
        coverage.skipped_total
    );
    for skipped in coverage.skipped.iter().take(5) {
        let _ = writeln!(out, "    {}: {}", skipped.path, skipped.detail);
    }
    if coverage.skipped_total > 5 {
        let _ = writeln!(out, "    and {} more; --format json tells them", coverage.skipped_total - 5);
    }
}
