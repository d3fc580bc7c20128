//! From findings to reasons: the documented mapping from evidence to levels that every validator starts from.
//!
//! In: findings and reports. Out: levels, reasons, ballots.

use std::collections::{BTreeMap, BTreeSet};

use sigma_core::{
    Ballot, Category, Confidence, DistributionReport, Finding, Phase, Reach, Reason, SecurityLevel, Severity, Vote,
    printable,
};

/// The level that one finding asks for on its own.
///
/// | severity | runs at install or import, or from an entry point | runs when called | tests, examples, docs |
/// | --- | --- | --- | --- |
/// | CRITICAL | BLOCKED (CAUTION at low confidence) | BLOCKED (CAUTION at low confidence) | CAUTION |
/// | HIGH | CAUTION | CAUTION (MONITORED at low confidence) | MONITORED |
/// | MEDIUM | MONITORED | MONITORED | CLEAR |
/// | LOW, INFO | CLEAR | CLEAR | CLEAR |
///
/// What the code is merely able to do is INFO, so a capability alone never leaves CLEAR.
pub fn level_of(finding: &Finding) -> SecurityLevel {
    let sure = finding.confidence > Confidence::Low;
    match (finding.severity, finding.reach) {
        (Severity::Critical, Reach::Test) => SecurityLevel::Caution,
        (Severity::Critical, _) if sure => SecurityLevel::Blocked,
        (Severity::Critical, _) => SecurityLevel::Caution,
        (Severity::High, Reach::Test) => SecurityLevel::Monitored,
        (Severity::High, Reach::Call) if !sure => SecurityLevel::Monitored,
        (Severity::High, _) => SecurityLevel::Caution,
        (Severity::Medium, Reach::Test) => SecurityLevel::Clear,
        (Severity::Medium, _) => SecurityLevel::Monitored,
        (Severity::Low | Severity::Info, _) => SecurityLevel::Clear,
    }
}

/// A reason that cites one finding.
pub fn cite(distribution: &DistributionReport, finding: &Finding, level: SecurityLevel) -> Reason {
    Reason {
        level,
        code: finding.rule.clone(),
        message: finding.message.clone(),
        distribution: Some(distribution.filename.clone()),
        location: Some(match finding.line {
            0 => finding.file.clone(),
            line => format!("{}:{line}", finding.file),
        }),
        evidence: (!finding.evidence.is_empty()).then(|| finding.evidence.clone()),
    }
}

/// A reason about the package as a whole.
pub fn state(level: SecurityLevel, code: &str, message: String) -> Reason {
    Reason { level, code: code.to_owned(), message, distribution: None, location: None, evidence: None }
}

/// The ballot that follows from reasons: UNSAFE when one of them asks for BLOCKED.
pub fn ballot(validator: &str, phase: Phase, mut reasons: Vec<Reason>) -> Ballot {
    reasons.sort_by(|a, b| (b.level, a).cmp(&(a.level, b)));
    reasons.dedup();
    let level = reasons.first().map_or(SecurityLevel::Clear, |reason| reason.level);
    let vote = if level == SecurityLevel::Blocked { Vote::Unsafe } else { Vote::Safe };
    Ballot { validator: validator.to_owned(), phase, vote, level, reasons, model: None }
}

/// A file, or all that runs at installation, that shows serious signals of at least two kinds, none of them in doubt:
/// together they are a story that none of
/// them is alone.
pub fn story<'a>(findings: impl Iterator<Item = (&'a DistributionReport, &'a Finding)>) -> Option<Reason> {
    let mut files: BTreeMap<(&str, &str), BTreeSet<Category>> = BTreeMap::new();
    for (distribution, finding) in findings {
        let serious = finding.severity >= Severity::High && finding.confidence > Confidence::Low;
        // What a file is, rather than what it does, says nothing about what it does.
        let deed =
            !matches!(finding.category, Category::Identity | Category::Archive | Category::Binary | Category::Secret);
        if serious && deed && finding.reach > Reach::Test {
            // What runs at installation is one program, however many files it has.
            let file = if finding.reach == Reach::Install { "what runs at installation" } else { &finding.file };
            files.entry((&distribution.filename, file)).or_default().insert(finding.category);
        }
    }
    let ((_, file), kinds) = files.into_iter().find(|(_, kinds)| kinds.len() >= 2)?;
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    let message = format!("{file} shows serious signals of {} kinds: {}", kinds.len(), kinds.join(", "));
    Some(state(SecurityLevel::Blocked, "signals-combine-in-file", message))
}

/// Serious signals of several kinds in code that runs without being called: two are CAUTION, three BLOCKED.
pub fn combined(signals: &BTreeSet<Category>) -> Option<Reason> {
    let level = match signals.len() {
        0 | 1 => return None,
        2 => SecurityLevel::Caution,
        _ => SecurityLevel::Blocked,
    };
    let kinds: Vec<String> = signals.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    let message = format!(
        "serious signals of {} kinds in code that runs without being called: {}",
        kinds.len(),
        kinds.join(", ")
    );
    Some(state(level, "signals-combine", message))
}

/// What could not be seen in one distribution: native code, unreadable parts, source that does not parse.
pub fn gaps(distribution: &DistributionReport) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (name, coverage) = (&distribution.filename, &distribution.coverage);
    if let Some(first) = coverage.binaries.first() {
        let message = format!(
            "{name} contains {} compiled file(s) that are flagged and not decompiled, for example {}",
            coverage.binaries.len(),
            printable(&first.path, 120)
        );
        reasons.push(state(SecurityLevel::Monitored, "native-code-not-analysed", message));
    }
    if coverage.has_gaps() {
        let gaps = coverage.skipped_total;
        let example = coverage.skipped.first().map_or(String::new(), |skipped| {
            format!(", for example {}: {}", printable(&skipped.path, 120), skipped.detail)
        });
        let message = format!("{gaps} place(s) in {name} were not read{example}");
        reasons.push(state(SecurityLevel::Monitored, "analysis-has-gaps", message));
    }
    // A few files in another dialect are ordinary (Python 2 leftovers, templates); a package whose code mostly does not
    // parse was not analysed in any useful sense.
    if coverage.source_files > 0 && coverage.token_scanned * 2 > coverage.source_files {
        let message = format!(
            "{} of {} source files in {name} do not parse and were read by a token scan only",
            coverage.token_scanned, coverage.source_files
        );
        reasons.push(state(SecurityLevel::Monitored, "mostly-unparsed", message));
    }
    reasons
}
