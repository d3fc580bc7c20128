//! What `sigma verify` found out, on one screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sigma_ledger::{Check, State};
use sigma_verify::{Files, Outcome, PackageResult, Section, SectionKind, Verification};

/// Packages that are listed whatever became of them; of more, only those that are not proven.
const ALL: usize = 20;
/// Packages that are listed at most.
const MOST: usize = 40;
/// Names of files that are listed of a kind.
const NAMES: usize = 8;

/// The screen.
pub fn table(verification: &Verification) -> String {
    let mut out = String::new();
    let root = &verification.root;
    let _ = writeln!(out, "root     version {}, sha256 {} (pinned)", root.version, root.sha256.short());
    let _ = match &verification.status {
        Some(status) if status.fresh => {
            writeln!(out, "revoked  as of {}, holds until {}", status.as_of, status.expires)
        }
        Some(status) => writeln!(out, "revoked  as of {}, expired at {}", status.as_of, status.expires),
        None => writeln!(out, "revoked  not known: no status list"),
    };
    if let Some(chain) = &verification.chain {
        let contract = chain.contract.as_deref().unwrap_or("no contract: none is pinned");
        let _ = write!(out, "chain    {} of {} certificates are in {contract}", chain.there, chain.certificates);
        let _ = match (chain.missing, chain.unknown) {
            (0, 0) => writeln!(out),
            (missing, unknown) => writeln!(out, "; {missing} are not, of {unknown} it is not known"),
        };
    }
    let _ = writeln!(out, "bundles  from {}; none of it is believed", verification.source);
    for section in &verification.sections {
        section_of(section, &mut out);
    }
    if verification.sections.is_empty() {
        out.push_str("\nnothing found to verify: no lockfile, no virtual environment, no node_modules\n");
    }
    out.push_str("\nnot proven by any of this\n");
    for line in &verification.not_proven {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "\n{}", conclusion(verification.outcome));
    out
}

fn section_of(section: &Section, out: &mut String) {
    let kind = match section.kind {
        SectionKind::File => "file",
        SectionKind::Lockfile => "lockfile",
        SectionKind::PythonEnvironment => "site-packages",
        SectionKind::NodeEnvironment => "node_modules",
    };
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for package in &section.packages {
        *counts.entry(package.outcome).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(outcome, count)| format!("{count} {}", word(*outcome))).collect();
    let counts = if counts.is_empty() { "no packages".to_owned() } else { counts.join(", ") };
    let _ = writeln!(out, "\n{kind}  {}  ({counts})", section.path);
    let all = section.packages.len() <= ALL;
    let shown: Vec<&PackageResult> =
        section.packages.iter().filter(|package| all || package.outcome != Outcome::Proven).collect();
    // What has the same outcome for the same reason is one line, if it is many.
    let mut groups: BTreeMap<(Outcome, &str), Vec<&PackageResult>> = BTreeMap::new();
    let mut single = Vec::new();
    for package in shown {
        match package.certificate.is_none() && package.files.is_none() && !all {
            true => groups.entry((package.outcome, &package.reason)).or_default().push(package),
            false => single.push(package),
        }
    }
    single.sort_by_key(|package| std::cmp::Reverse(package.outcome));
    for package in single.iter().take(MOST) {
        package_of(package, section.kind == SectionKind::File, out);
    }
    if single.len() > MOST {
        let _ = writeln!(out, "  … and {} more; --format json lists all", single.len() - MOST);
    }
    for ((outcome, reason), packages) in groups.iter().rev().take(NAMES) {
        let _ = writeln!(out, "  {:<11}  {} packages: {reason}", word(*outcome), packages.len());
        let named = packages.iter().take(MOST).map(|one| one.package.as_deref().unwrap_or(&one.subject));
        let mut line = named.collect::<Vec<_>>().join(" ");
        if packages.len() > MOST {
            let _ = write!(line, " … and {} more", packages.len() - MOST);
        }
        let _ = writeln!(out, "               {line}");
    }
    if section.added_total > 0 {
        let _ = writeln!(out, "  {} files belong to no package", section.added_total);
        names("", &section.added, out);
    }
    for problem in section.problems.iter().take(NAMES) {
        let _ = writeln!(out, "  note: {problem}");
    }
    if section.problems.len() > NAMES {
        let _ = writeln!(out, "  … and {} more notes", section.problems.len() - NAMES);
    }
}

fn package_of(package: &PackageResult, checks: bool, out: &mut String) {
    let name = package.package.as_deref().unwrap_or(&package.subject);
    let id = package.certificate.as_ref().map_or("-", |certificate| &certificate.id);
    let _ = writeln!(out, "  {:<11}  {name}  {id}", word(package.outcome));
    let place = if package.package.is_some() { format!("{}: ", package.subject) } else { String::new() };
    let _ = writeln!(out, "               {place}{}", package.reason);
    if let Some(files) = &package.files {
        let _ = writeln!(out, "               {}", told(files));
        names("changed: ", &files.changed, out);
        names("missing: ", &files.missing, out);
        names("added: ", &files.added, out);
    }
    for check in package.checks.iter().filter(|_| checks) {
        let _ = writeln!(out, "               {}", check_line(check));
    }
}

/// One check: how it ended, which, and what was proven by what.
pub fn check_line(check: &Check) -> String {
    let state = match check.state {
        State::Proven => "proven    ",
        State::NotProven => "not proven",
        State::Failed => "FAILED    ",
    };
    let name = serde_json::to_value(check.check).ok().and_then(|name| name.as_str().map(str::to_owned));
    format!("{state}  {:<10}  {}", name.unwrap_or_default(), check.detail)
}

fn told(files: &Files) -> String {
    let by = match files.by {
        "signed-list" => "proven by the signed list of files",
        "source-list" => "found in the signed list of the source",
        _ => "are as RECORD says, which proves nothing",
    };
    let mut text = format!("{} files {by}", files.same);
    for (count, what) in [
        (files.launchers, "start scripts as installers write them"),
        (files.notes, "notes of the installer"),
        (files.byte_code, "files of byte code, not compared"),
    ] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

fn names(what: &str, names: &[String], out: &mut String) {
    for name in names.iter().take(NAMES) {
        let _ = writeln!(out, "                 {what}{name}");
    }
    if names.len() > NAMES {
        let _ = writeln!(out, "                 {what}… and {} more", names.len() - NAMES);
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Proven => "proven",
        Outcome::Advisory => "advisory",
        Outcome::FreshnessUnknown => "stale",
        Outcome::Undecided => "undecided",
        Outcome::Failed => "FAILED",
    }
}

fn conclusion(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Proven => "PROVEN",
        Outcome::Advisory => "PROVEN, but for what is said to be advisory",
        Outcome::FreshnessUnknown => "PROVEN, and whether it was revoked since is not known",
        Outcome::Undecided => "COULD NOT DECIDE",
        Outcome::Failed => "FAILED",
    }
}
