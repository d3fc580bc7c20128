//! Text for people: a table, then what a tired reader asks next.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use sigma_certificate::{Endpoints, PackageAnalysis, PackageEntry, Since};
use sigma_core::SecurityLevel;
use sigma_pipeline::{Audit, Decision, WaiverUse};

use super::{Shown, words};
use crate::config::Config;

pub fn audit(audit: &Audit, analysis: &PackageAnalysis, decision: &Decision, waivers: &[WaiverUse]) -> String {
    let mut out = format!("{}\n", words::heading(audit));
    let rows: Vec<&PackageEntry> = analysis.packages.iter().collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "\n{}", table(&rows));
    }
    let concerns: Vec<&PackageEntry> = rows.iter().copied().filter(|entry| words::needs_explaining(entry)).collect();
    if !concerns.is_empty() {
        out.push_str("\nWhy\n");
        for entry in concerns {
            let _ = writeln!(out, "  {} {}  {}", entry.package_name, words::version(entry), words::level(entry));
            if let Some(reason) = &entry.reason {
                for line in reason.lines() {
                    let _ = writeln!(out, "    {line}");
                }
            }
            if let Some(news) = &entry.new_since {
                let _ = writeln!(out, "    {news}");
            }
            for warning in &entry.warnings {
                let (sentence, seen) = words::warning(warning);
                let _ = writeln!(out, "    {sentence}");
                if let Some(seen) = seen {
                    let _ = writeln!(out, "      {seen}");
                }
            }
        }
    }
    if !audit.refused.is_empty() {
        out.push_str("\nRefused\n");
        for refused in &audit.refused {
            let _ = writeln!(out, "  {}  {}", refused.at, refused.declaration);
            let _ = writeln!(out, "    {}: {}", refused.reason.describe(), refused.advice);
        }
    }
    if !audit.problems.is_empty() {
        out.push_str("\nNotes\n");
        for problem in &audit.problems {
            let _ = writeln!(out, "  {}  {}", problem.at, problem.message);
        }
    }
    section(&mut out, "Totals", &words::totals(analysis));
    section(&mut out, "Not checked", &words::not_checked(audit, analysis));
    if !waivers.is_empty() {
        section(&mut out, "Waivers", &words::waivers(waivers));
    }
    let (verdict, reasons) = words::decision(decision);
    let _ = writeln!(out, "\n{}", paint(&verdict, decision_color(decision)));
    for reason in reasons {
        let _ = writeln!(out, "  {}", reason.lines().next().unwrap_or_default());
    }
    out
}

pub(super) fn section(out: &mut String, title: &str, lines: &[String]) {
    let _ = writeln!(out, "\n{title}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

fn table(rows: &[&PackageEntry]) -> Table {
    let mut table = plain_table();
    table.set_header([
        "package",
        "version",
        "depth",
        "distribution",
        "sha256",
        "status",
        "level",
        "advisories",
        "origin",
        "warnings",
    ]);
    for entry in rows {
        let sha256 = entry.distribution_sha256.map_or("-".to_owned(), |digest| digest.short());
        let level = Cell::new(words::level(entry));
        table.add_row([
            Cell::new(&entry.package_name),
            Cell::new(words::version(entry)),
            Cell::new(words::depth(entry.dependency_type)),
            Cell::new(words::shortened(entry.distribution.as_deref().unwrap_or("-"))),
            Cell::new(sha256),
            Cell::new(words::status(entry.status)),
            match entry.security_level {
                Some(security) if colored() => level.fg(level_color(security)),
                _ => level,
            },
            Cell::new(words::advisories(entry)),
            Cell::new(words::origin(entry)),
            Cell::new(match entry.warnings.len() {
                0 => "-".to_owned(),
                count => count.to_string(),
            }),
        ]);
    }
    table
}

/// No lines, two spaces between columns; wrapped to the terminal, and never cut when piped.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match std::io::stdout().is_terminal() {
        true => table.set_content_arrangement(ContentArrangement::Dynamic),
        false => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if colored() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

pub fn certificates(certificates: &[Shown], config: &Config) -> String {
    let mut out = String::new();
    let endpoints = Endpoints::new(config.api_base.as_str());
    for (certificate, decision, _) in certificates {
        let payload = certificate.payload();
        let view = certificate.view(&endpoints, Since { decision: decision.as_ref(), ..Since::default() });
        let level = view.payload.security_level;
        let _ = writeln!(
            out,
            "{}:{}@{}  {}",
            payload.registry_source,
            payload.package_name,
            payload.package_version,
            paint(level.as_str(), level_color(level))
        );
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(out, "  {name:<14} {value}");
        };
        if let Some(decision) = &view.operator_decision {
            line("status", &format!("{} on {}: {}", decision.status.as_str(), decision.decided_at, decision.reason));
            line("sealed as", decision.sealed_security_level.as_str());
        }
        line("certificate", certificate.id());
        line("payload hash", certificate.payload_hash());
        line("certified at", &payload.certified_at.to_string());
        line("verdict", &format!("{} ({})", payload.council_verdict.as_str(), payload.council_rationale));
        line("analysis", &format!("{}, ruleset {}", payload.analysis_type, payload.ruleset_version));
        line("report", &format!("sha256 {}", payload.report_hash));
        line("advisories", &payload.registry_advisory_summary);
        for advisory in &payload.registry_advisories {
            line("", &format!("{} {} {}", advisory.id, advisory.severity, advisory.title));
        }
        for distribution in &payload.distributions {
            let coverage = &distribution.coverage;
            line("distribution", &format!("{} ({} bytes)", distribution.filename, distribution.size));
            line("", &format!("sha256 {}", distribution.sha256));
            line("", &format!("files  {} (sha256-sorted-files-v1)", distribution.file_set_hash));
            line(
                "",
                &format!(
                    "{} files, {} of them source: {} parsed, {} token-scanned; {} compiled, {} gap(s)",
                    coverage.files,
                    coverage.source_files,
                    coverage.parsed,
                    coverage.token_scanned,
                    coverage.binaries,
                    coverage.gaps
                ),
            );
        }
        let capabilities: Vec<String> = payload
            .capabilities
            .iter()
            .filter_map(|capability| Some(serde_json::to_value(capability).ok()?.as_str()?.to_owned()))
            .collect();
        line(
            "capabilities",
            if capabilities.is_empty() { "none seen".to_owned() } else { capabilities.join(", ") }.as_str(),
        );
        if !payload.install_hooks.is_empty() {
            line("install hooks", &payload.install_hooks.join(", "));
        }
        match &payload.delta {
            Some(delta) => line("compared", &format!("{}; certificate {}", delta.summary, delta.previous_certificate)),
            None => line("compared", "with nothing: no earlier version was certified"),
        }
        match &payload.upstream_provenance {
            Some(origin) => {
                line("origin", &origin.summary);
                if let Some(publisher) = &origin.publisher {
                    for (name, text) in [("commit", &publisher.commit), ("run", &publisher.run)] {
                        if let Some(text) = text {
                            line("", &format!("{name} {text}"));
                        }
                    }
                }
            }
            None => line("origin", "not looked at when this was certified"),
        }
        match &payload.execution {
            Some(execution) => {
                for told in words::execution(execution) {
                    line("commands", &told);
                }
            }
            None => line("commands", "not run: nobody asked for it"),
        }
        if let Some(publisher) = &payload.publisher {
            line("published by", publisher);
        }
        for ballot in &payload.ballots {
            let vote = format!("{:?}", ballot.vote).to_uppercase();
            let phase = format!("{:?}", ballot.phase).to_lowercase();
            line("ballot", &format!("phase {phase:<4} {:<12} {vote} {}", ballot.validator, ballot.level));
        }
        for warning in &payload.retained_warnings {
            let (sentence, seen) = words::warning(warning);
            line("warning", &sentence);
            if let Some(seen) = seen {
                line("", &seen);
            }
        }
        for disclosure in &payload.disclosures {
            line("not checked", disclosure);
        }
        if let Some(older) = &payload.supersedes {
            line("supersedes", older);
        }
        line("verify at", &format!("{} (once it is published there)", view.verify_endpoint));
        out.push('\n');
    }
    out.pop();
    out
}

fn colored() -> bool {
    // https://no-color.org: any non-empty value.
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !refused
}

pub(super) fn level_color(level: SecurityLevel) -> Color {
    match level {
        SecurityLevel::Clear => Color::Green,
        SecurityLevel::Monitored => Color::Cyan,
        SecurityLevel::Caution => Color::Yellow,
        SecurityLevel::Blocked => Color::Red,
    }
}

fn decision_color(decision: &Decision) -> Color {
    match decision {
        Decision::Pass => Color::Green,
        Decision::Fail(_) => Color::Red,
        Decision::Undecided(_) => Color::Yellow,
    }
}

pub(super) fn paint(text: &str, color: Color) -> String {
    let code = match color {
        Color::Green => 32,
        Color::Cyan => 36,
        Color::Yellow => 33,
        _ => 31,
    };
    if colored() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
