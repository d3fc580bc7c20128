//! Tables for operators: tokens, jobs.

use std::fmt::Write as _;

use sigma_core::Timestamp;
use sigma_store::{Count, Job, Token};

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

/// Jobs of a state, and how many there are of each.
pub fn jobs(jobs: &[Job], counts: &[Count]) -> String {
    let mut out = String::new();
    for count in counts {
        let (class, state) = (&count.class, count.state.as_str());
        let _ = writeln!(out, "{:>8}  {class} {state}, the oldest since {}", count.jobs, count.oldest);
    }
    if counts.is_empty() {
        out.push_str("nothing is waiting, running or dead\n");
    }
    if jobs.is_empty() {
        return out;
    }
    let mut table = plain_table();
    table.set_header(["job", "kind", "attempts", "since", "worker", "key", "error"]);
    for job in jobs {
        table.add_row([
            job.id.to_string(),
            job.kind.clone(),
            format!("{}/{}", job.attempts, job.max_attempts),
            job.updated_at.to_string(),
            job.lease_owner.clone(),
            job.key.clone(),
            job.last_error.clone(),
        ]);
    }
    let _ = writeln!(out, "\n{table}");
    out
}
