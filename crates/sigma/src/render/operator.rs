//! Tables for operators: tokens, jobs, escalations, flags, the log.

use std::fmt::Write as _;

use serde_json::Value;
use sigma_core::Timestamp;
use sigma_store::{Count, Entry, Escalation, Flag, Job, JobState, Outage, Token};

use super::table::plain_table;

/// Tokens, without anything secret.
pub fn tokens(tokens: &[Token], now: Timestamp) -> String {
    if tokens.is_empty() {
        return "no tokens; make one with: sigma token create --owner NAME --scope read --scope submit\n".to_owned();
    }
    let mut table = plain_table();
    table.set_header(["prefix", "owner", "scopes", "status", "expires", "last used"]);
    for token in tokens {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        table.add_row([
            token.prefix.clone(),
            token.owner.clone(),
            scopes.join(" "),
            token_status(token, now).to_owned(),
            token.expires_at.to_string(),
            token.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
        ]);
    }
    format!("{table}\n")
}

/// `active`, `expired` or `revoked`.
pub fn token_status(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.expires_at <= now) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "active",
    }
}

/// Jobs of a state, how many there are of each, and for whose sake some rest.
pub fn jobs(jobs: &[Job], counts: &[Count], outages: &[Outage]) -> String {
    let mut out = String::new();
    for count in counts {
        let (class, state) = (&count.class, count.state.as_str());
        let _ = writeln!(out, "{:>8}  {class} {state}, the oldest since {}", count.jobs, count.oldest);
    }
    for Outage { reason, jobs, next_at } in outages {
        let next = next_at.map_or_else(|| "being asked now".to_owned(), |at| format!("asked again at {at}"));
        let _ = writeln!(out, "{jobs:>8}  waiting: {reason}; {next}");
    }
    if counts.is_empty() {
        out.push_str("nothing is waiting, running or dead\n");
    }
    if jobs.is_empty() {
        return out;
    }
    let mut table = plain_table();
    table.set_header(["job", "kind", "runs", "since", "next run", "worker", "key", "error"]);
    for job in jobs {
        table.add_row([
            job.id.to_string(),
            job.kind.clone(),
            // Not of how many: that depends on whether runs fail, or end without a word.
            job.attempts.to_string(),
            job.updated_at.to_string(),
            if job.state == JobState::Pending { job.due_at.to_string() } else { String::new() },
            job.lease_owner.clone(),
            job.key.clone(),
            job.last_error.clone(),
        ]);
    }
    let _ = writeln!(out, "\n{table}");
    out
}

/// Escalated packages.
pub fn escalations(open: &[Escalation], submissions: &[Value]) -> String {
    if open.is_empty() && submissions.is_empty() {
        return "nothing waits for a decision\n".to_owned();
    }
    let mut table = plain_table();
    table.set_header(["escalation", "package or skill", "since", "asks for", "why", "strongest warning"]);
    for one in open {
        let payload = &one.payload;
        table.add_row([
            one.id.clone(),
            format!("{}:{}@{}", payload.registry_source, payload.package_name, payload.package_version),
            one.escalated_at.to_string(),
            payload.security_level.to_string(),
            payload.council_rationale.clone(),
            payload.retained_warnings.first().map(|warning| warning.message.clone()).unwrap_or_default(),
        ]);
    }
    for one in submissions {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let strongest = one["warnings"][0]["message"].as_str().unwrap_or_default().to_owned();
        table.add_row([
            text("escalationId"),
            format!("{} ({})", text("skillName"), text("category")),
            text("escalatedAt"),
            text("proposedSecurityLevel"),
            text("rationale"),
            strongest,
        ]);
    }
    format!("{table}\n")
}

/// Flags of the public. Their texts are printable since they came in.
pub fn flags(flags: &[Flag]) -> String {
    if flags.is_empty() {
        return "no flags\n".to_owned();
    }
    let mut table = plain_table();
    table.set_header(["flag", "about", "category", "state", "since", "text", "contact"]);
    for flag in flags {
        table.add_row([
            flag.id.clone(),
            flag.package.as_ref().map_or_else(|| flag.certificate.clone(), ToString::to_string),
            flag.category.to_string(),
            flag.state.to_string(),
            flag.created_at.to_string(),
            flag.text.clone(),
            flag.contact.clone().unwrap_or_default(),
        ]);
    }
    format!("{table}\n")
}

/// The log.
pub fn log(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        let Entry { seq, at, operator, action, subject, reason, .. } = entry;
        let more = [&entry.level, &entry.detail].into_iter().filter(|text| !text.is_empty());
        let more = more.fold(String::new(), |more, text| more + " " + text);
        let _ = writeln!(out, "#{seq} {at} {operator}: {action} {subject}{more}: {reason}");
    }
    if entries.is_empty() {
        out.push_str("nothing was decided\n");
    }
    out
}
