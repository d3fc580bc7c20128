//! Words that every format shares.

use sigma_certificate::{CertificationStatus, PackageAnalysis, PackageEntry, PackageExecution};
use sigma_core::{Depth, Ecosystem, ProbeOutcome, SandboxTier, Severity, Warning};
use sigma_pipeline::{Audit, BEYOND_DEPTH, Decision, WaiverUse};

pub fn status(status: CertificationStatus) -> &'static str {
    match status {
        CertificationStatus::CertifiedFromCache => "from cache",
        CertificationStatus::AuditedThisSubmission => "audited",
        CertificationStatus::Uncertified => "uncertified",
        CertificationStatus::Refused => "refused",
    }
}

pub fn depth(depth: Depth) -> &'static str {
    match depth {
        Depth::Direct => "direct",
        Depth::TransitiveL1 => "L1",
        Depth::TransitiveL2 => "L2",
        Depth::TransitiveL3 => "L3",
        Depth::Beyond => "> L3",
    }
}

/// `-` where nothing was asked, `unavailable` where nobody answered, otherwise a number: three different things.
pub fn advisories(entry: &PackageEntry) -> String {
    match (entry.registry_advisory_state.as_deref(), entry.registry_advisory_count) {
        (None, _) => "-".to_owned(),
        (Some(_), Some(0)) => "none known".to_owned(),
        (Some(_), Some(count)) => count.to_string(),
        (Some(_), None) => "unavailable".to_owned(),
    }
}

/// What the ecosystem attests about the origin; `-` where there is no certificate that says.
pub fn origin(entry: &PackageEntry) -> &'static str {
    entry.upstream_provenance.map_or("-", sigma_core::ProvenanceStatus::as_str)
}

pub fn tier(tier: SandboxTier) -> &'static str {
    match tier {
        SandboxTier::Namespaces => "own namespaces",
        SandboxTier::Filtered => "filtered system calls, no namespaces",
    }
}

/// What running a package's commands came to, a line each.
pub fn execution(execution: &PackageExecution) -> Vec<String> {
    let counted = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    let mut lines = vec![match &execution.reason {
        Some(reason) => format!("{}: {reason}", execution.status),
        None => execution.status.clone(),
    }];
    if let Some(used) = execution.sandbox_tier {
        lines.push(format!(
            "run with --help, isolation: {}; {} attempt(s) to reach the network, {} to start programs",
            tier(used),
            counted(execution.network_attempts),
            counted(execution.spawn_attempts)
        ));
        lines.push(format!(
            "{} declared, {} of them not run",
            counted(execution.entry_points_declared),
            counted(execution.entry_points_not_run)
        ));
    }
    for one in &execution.entry_points {
        let outcomes: Vec<&str> = one.execution.exercised.iter().map(|exercise| exercise.outcome.as_str()).collect();
        let told = if outcomes.is_empty() { one.execution.description.clone() } else { outcomes.join(", ") };
        lines.push(format!("{} ({}): {told}", one.command, one.target));
        for flag in &one.execution.retained_risk_flags {
            lines.push(format!("  {:?}: {}", flag.severity, flag.message));
        }
    }
    lines
}

pub fn probe(outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Answered { code, content_type, location } => {
            let kind = content_type.as_deref().map_or_else(String::new, |kind| format!(", {kind}"));
            let to = location.as_deref().map_or_else(String::new, |to| format!(", redirects to {to}"));
            format!("answered {code}{kind}{to}")
        }
        ProbeOutcome::Failed { reason } => format!("no answer: {reason}"),
        ProbeOutcome::NotProbed { reason } => format!("not probed: {reason}"),
    }
}

pub fn level(entry: &PackageEntry) -> &'static str {
    entry.security_level.map_or("-", sigma_core::SecurityLevel::as_str)
}

/// Whether a row wants a reason below the table. Refused declarations have a section of their own, and what lies deeper
/// than was asked for is told once, as a number.
pub fn needs_explaining(entry: &PackageEntry) -> bool {
    let told_elsewhere = entry.status == CertificationStatus::Refused
        || entry.status == CertificationStatus::Uncertified && entry.reason.as_deref() == Some(BEYOND_DEPTH);
    !told_elsewhere && (!entry.warnings.is_empty() || entry.reason.is_some())
}

/// A file name that fits into a column: wheel names end in long lists of platforms, so the middle is left out.
pub fn shortened(name: &str) -> String {
    const WIDTH: usize = 46;
    let count = name.chars().count();
    if count <= WIDTH {
        return name.to_owned();
    }
    let head: String = name.chars().take(WIDTH - 13).collect();
    let tail: String = name.chars().skip(count - 12).collect();
    format!("{head}…{tail}")
}

pub fn version(entry: &PackageEntry) -> &str {
    entry.package_version.as_deref().unwrap_or("-")
}

/// One warning as lines: the sentence, then place and evidence.
pub fn warning(warning: &Warning) -> (String, Option<String>) {
    let strength = match warning.severity {
        Severity::Critical => "blocked",
        Severity::High => "caution",
        Severity::Medium | Severity::Low => "monitored",
        Severity::Info => "note",
    };
    let place = match (&warning.distribution, &warning.location) {
        (Some(distribution), Some(location)) => Some(format!("{distribution}: {location}")),
        (Some(distribution), None) => Some(distribution.clone()),
        (None, location) => location.clone(),
    };
    let seen = match (place, &warning.evidence) {
        (Some(place), Some(evidence)) => Some(format!("{place}  {evidence}")),
        (Some(place), None) => Some(place),
        (None, evidence) => evidence.clone(),
    };
    (format!("{strength}: {} [{}]", warning.message, warning.code), seen)
}

pub fn decision(decision: &Decision) -> (String, &[String]) {
    match decision {
        Decision::Pass => ("PASS".to_owned(), &[]),
        Decision::Fail(reasons) => (format!("FAIL: {} reason(s)", reasons.len()), reasons),
        Decision::Undecided(reasons) => (format!("UNDECIDED: {} reason(s)", reasons.len()), reasons),
    }
}

/// Every waiver, a line each: those that hold and those that do not.
pub fn waivers(uses: &[WaiverUse]) -> Vec<String> {
    uses.iter().map(|used| sigma_core::printable(&used.to_string(), 1000)).collect()
}

/// What was read and what it was resolved for.
pub fn heading(audit: &Audit) -> String {
    let name = |ecosystem: &Ecosystem| ecosystem.title();
    let manifests: Vec<String> = audit
        .manifests
        .iter()
        .map(|(ecosystem, files)| format!("{} ({})", files.join(", "), name(ecosystem)))
        .collect();
    let at = audit.resolved_at.map_or(String::new(), |at| format!(", resolved {at}"));
    format!("{} for {}{at}", manifests.join("; "), audit.target)
}

/// The totals, a line each.
pub fn totals(analysis: &PackageAnalysis) -> Vec<String> {
    let (summary, transitive) = (&analysis.summary, &analysis.transitive);
    let mut lines = vec![
        format!(
            "direct dependencies: {} ({} from cache, {} audited, {} uncertified, {} refused)",
            summary.direct_dependencies,
            summary.packages_certified_from_cache,
            summary.packages_audited,
            summary.packages_uncertified,
            summary.packages_rejected
        ),
        format!(
            "transitive dependencies: {} certified (L1 {}, L2 {}, L3 {}), {} uncertified",
            summary.transitive_dependencies_checked,
            transitive.checked_l1,
            transitive.checked_l2,
            transitive.checked_l3,
            summary.transitive_dependencies_uncertified
        ),
        format!("saved by the registry: {} USD; audits: {} USD", summary.savings_usd, summary.uncached_cost_usd),
    ];
    if !transitive.blocked_advisory_only.is_empty() {
        let names: Vec<&str> = transitive.blocked_advisory_only.iter().map(|one| one.package.as_str()).collect();
        lines.push(format!("blocked, advisory only because deeper than L1: {}", names.join(", ")));
    }
    lines
}

/// What was not checked, a line each. Never empty: there is always something.
pub fn not_checked(audit: &Audit, analysis: &PackageAnalysis) -> Vec<String> {
    let mut lines = Vec::new();
    let transitive = &analysis.transitive;
    if transitive.beyond_depth > 0 {
        lines.push(format!("{} package(s) lie deeper than the audited levels", transitive.beyond_depth));
    }
    if transitive.beyond_cap > 0 {
        lines.push(format!(
            "{} package(s) lie beyond the cap of {} transitive audits",
            transitive.beyond_cap, audit.cap
        ));
    }
    let certified = || analysis.packages.iter().filter(|entry| entry.certificate_id.is_some());
    let unavailable = certified().filter(|entry| entry.registry_advisory_count.is_none()).count();
    if unavailable > 0 {
        lines.push(format!("advisories of {unavailable} package(s) were unavailable, which is not \"none known\""));
    }
    let unknown = |entry: &&PackageEntry| entry.upstream_provenance == Some(sigma_core::ProvenanceStatus::Unavailable);
    let unattested = certified().filter(unknown).count();
    if unattested > 0 {
        lines.push(format!(
            "attestations of the origin of {unattested} package(s) were unavailable, which is not \"absent\""
        ));
    }
    let partial = certified().filter(|entry| entry.analysis_type != Some(sigma_core::AnalysisType::Full)).count();
    if partial > 0 {
        lines.push(format!("{partial} package(s) have parts that were not analysed (sigma show tells which)"));
    }
    if !audit.excluded.is_empty() {
        let shown: Vec<&str> = audit.excluded.iter().take(5).map(String::as_str).collect();
        let more = audit.excluded.len() - shown.len();
        let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
        lines.push(format!("not installed for this target: {}{tail}", shown.join(", ")));
    }
    let certified = audit.rows.iter().filter_map(|row| row.certificate());
    let runs: Vec<&PackageExecution> = certified.filter_map(|one| one.payload().execution.as_ref()).collect();
    lines.push(match runs.len() {
        0 => "packages were analysed statically and not executed".to_owned(),
        _ => format!(
            "packages were analysed statically; {} command(s) of {} were run with --help (sigma show tells what they did)",
            runs.iter().flat_map(|one| &one.entry_points).filter(|one| one.execution.status == "completed").count(),
            runs.iter().filter(|one| one.sandbox_tier.is_some()).count()
        ),
    });
    let prevented = runs.iter().filter(|one| one.status != "completed").count();
    if prevented > 0 {
        lines.push(format!("commands of {prevented} package(s) were not all run (sigma show tells why)"));
    }
    lines
}
