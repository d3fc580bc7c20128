//! First panel: what it did when it ran. That it did not run is a concern too, never silence.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sigma_core::{
    CodeDossier, Execution as Ran, ExecutionStatus, ModelHarness, Phase, Reason, RiskFlag, SecurityLevel, Severity,
};
use url::Url;

use super::list;
use crate::Validator;
use crate::reasons::state;

/// Judges the recorded run: risk flags, mock secrets, hosts, and how much of the code was exercised.
pub struct Execution;

impl Validator<CodeDossier> for Execution {
    fn id(&self) -> &'static str {
        "execution"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let Some(ran) = &dossier.execution else {
            let message = "the code was not run, and no reason is recorded".to_owned();
            let missing = || vec![state(SecurityLevel::Monitored, "run-missing", message)];
            return dossier.category.has_code().then(missing);
        };
        let mut reasons = harm(ran);
        match &ran.status {
            ExecutionStatus::Skipped { reason } => {
                let message = format!("the code was not run: {}", sigma_core::printable(reason, 300));
                reasons.push(state(SecurityLevel::Monitored, "run-skipped", message));
            }
            ExecutionStatus::Error { reason } => {
                let message = format!("the code could not be run: {}", sigma_core::printable(reason, 300));
                reasons.push(state(SecurityLevel::Monitored, "run-failed", message));
            }
            ExecutionStatus::Completed => reasons.extend(exercised(ran)),
        }
        reasons.extend(ran.harness.iter().flat_map(|harness| by_model(harness, ran)));
        let unnamed = unnamed_hosts(dossier, ran);
        if !unnamed.is_empty() {
            let declares = dossier.preprocess.skill.as_ref().is_some_and(|skill| !skill.external_calls.is_empty());
            let level = if declares { SecurityLevel::Caution } else { SecurityLevel::Monitored };
            let message =
                format!("tried to reach what neither SKILL.md nor the source names in a call: {}", list(&unnamed));
            reasons.push(state(level, "run-reaches-unnamed-host", message));
        }
        let counts = format!(
            "{} attempt(s) to reach the network, {} to start programs, {} file(s) written, {} system call(s) refused",
            ran.network.total,
            ran.spawns.total,
            ran.writes.total,
            ran.refused.values().fold(0_u64, |all, one| all.saturating_add(*one))
        );
        reasons.push(state(SecurityLevel::Clear, "run-counts", counts));
        Some(reasons)
    }
}

/// Risk flags as `execution/<code>`. The sandbox says by a flag how a mock secret got out, and how grave that is: into a file,
/// or to somebody else. One that got out without such a flag is taken for the worst.
pub fn harm(ran: &Ran) -> Vec<Reason> {
    let level = |flag: &RiskFlag| match flag.severity {
        Severity::Critical => SecurityLevel::Blocked,
        Severity::High => SecurityLevel::Caution,
        Severity::Medium => SecurityLevel::Monitored,
        Severity::Low | Severity::Info => SecurityLevel::Clear,
    };
    let code = |flag: &RiskFlag| format!("execution/{}", sigma_core::printable(&flag.code, 80));
    let mut reasons: Vec<Reason> =
        ran.flags.iter().map(|one| state(level(one), &code(one), one.message.clone())).collect();
    let told = ran.flags.iter().any(|flag| flag.code.starts_with("canary-") && flag.severity >= Severity::High);
    if !ran.canaries_leaked.is_empty() && !told {
        let message =
            format!("tried to send, start or write the value of mock secrets: {}", list(&ran.canaries_leaked));
        reasons.push(state(SecurityLevel::Blocked, "execution/canary-leaked", message));
    }
    reasons
}

/// What only the harness of a model showed. It may be the harness's own doing, so no other seat asks for BLOCKED over it: then
/// the panels differ, and an operator looks at what the model wrote.
fn by_model(harness: &ModelHarness, first: &Ran) -> Vec<Reason> {
    let model = sigma_core::printable(&harness.author.model, 80);
    let Some(ran) = &harness.run else {
        let why = harness.fallback.as_deref().unwrap_or("no reason is recorded");
        let message = format!("no harness of {model} was run: {}", sigma_core::printable(why, 300));
        return vec![state(SecurityLevel::Clear, "harness-fell-back", message)];
    };
    let known = |reason: &Reason| first.flags.iter().any(|flag| reason.code == format!("execution/{}", flag.code));
    let mut reasons: Vec<Reason> = harm(ran).into_iter().filter(|reason| !known(reason)).collect();
    for reason in &mut reasons {
        reason.code = reason.code.replacen("execution/", "harness/", 1);
        reason.message = format!("run by a harness that {model} wrote: {}", reason.message);
    }
    reasons
}

fn exercised(ran: &Ran) -> Option<Reason> {
    let message = match (ran.functions_reached, ran.functions_total) {
        _ if ran.exercises.is_empty() => "nothing was exercised in the run".to_owned(),
        (0, Some(1..)) => "none of its functions ran".to_owned(),
        (reached, Some(total)) if reached.saturating_mul(10) < total => {
            format!("{reached} of {total} functions ran, less than a tenth")
        }
        _ => return None,
    };
    Some(state(SecurityLevel::Monitored, "run-exercised-little", message))
}

/// Destinations outside of this machine, as host name or address. A name server that is asked is no destination: what it is
/// asked for is. Unusual sockets have flags of their own.
pub fn destinations(ran: &Ran) -> BTreeSet<String> {
    let outward = ran.network.listed.iter().filter(|one| match (one.protocol.as_str(), one.destination.as_deref()) {
        ("tcp" | "udp", Some(to)) => one.host.is_some() || !to.ends_with(":53"),
        ("tcp" | "udp" | "dns" | "icmp" | "unknown", _) => true,
        _ => false,
    });
    outward
        .filter_map(|one| one.host.as_deref().or(one.destination.as_deref()))
        .map(without_port)
        .filter(|host| !is_local(host))
        .collect()
}

fn unnamed_hosts(dossier: &CodeDossier, ran: &Ran) -> BTreeSet<String> {
    let calls = dossier.preprocess.skill.iter().flat_map(|skill| &skill.external_calls);
    let declared = calls.filter_map(|call| Url::parse(&call.url).ok()?.host_str().map(str::to_owned));
    let named = dossier.preprocess.report.hosts.iter().map(|host| without_port(host));
    let known: BTreeSet<String> = declared.chain(named).collect();
    destinations(ran).into_iter().filter(|host| !known.iter().any(|one| is_of(host, one))).collect()
}

/// Whether a host is another, or below it.
fn is_of(host: &str, other: &str) -> bool {
    host.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `Host:443` and `[::1]:443` as `host` and `::1`.
fn without_port(text: &str) -> String {
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    if let Some((inside, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.to_owned();
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => text,
    }
}

fn is_local(host: &str) -> bool {
    let here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(here)
}
