//! Where a SKILL.md and the code beside it do not say the same.

use std::collections::BTreeSet;

use sigma_core::{Capability, DistributionReport, ManifestDelta, SkillManifest};

/// Compares, in both directions.
pub(super) fn delta(skill: &SkillManifest, report: &DistributionReport) -> ManifestDelta {
    let declared_hosts: BTreeSet<String> =
        skill.external_calls.iter().filter_map(|call| declared_host(&call.url)).collect();
    let covers = |host: &str, declared: &str| match declared.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
        None => host == declared,
    };
    let undeclared_hosts: BTreeSet<String> = report
        .hosts
        .iter()
        .filter(|host| !is_local(host))
        .filter(|host| !declared_hosts.iter().any(|declared| covers(bare(host), declared)))
        .cloned()
        .collect();
    let unused_hosts: BTreeSet<String> = declared_hosts
        .iter()
        .filter(|declared| !report.hosts.iter().any(|host| covers(bare(host), declared)))
        .cloned()
        .collect();
    let mut declared: BTreeSet<Capability> = BTreeSet::new();
    if !declared_hosts.is_empty() {
        declared.insert(Capability::NetworkClient);
    }
    let mut unused_capabilities = BTreeSet::new();
    for word in &skill.capabilities {
        let means = meaning(word);
        if !means.is_empty() && !means.iter().any(|capability| report.capabilities.contains(capability)) {
            unused_capabilities.insert(word.clone());
        }
        declared.extend(means);
    }
    let undeclared_capabilities = report.capabilities.difference(&declared).copied().collect();
    ManifestDelta { undeclared_hosts, unused_hosts, undeclared_capabilities, unused_capabilities }
}

/// The host of a declared address: `https://api.example.com/v1` and `api.example.com` alike.
pub fn declared_host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let host = bare(&host).to_owned();
    (!host.is_empty()).then_some(host)
}

/// Without a port.
fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') => name,
        _ => host,
    }
}

/// The machine itself is nobody else.
fn is_local(host: &str) -> bool {
    let host = bare(host);
    matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "::1") || host.starts_with("127.")
}

/// What a declared word allows. A word that is not known means nothing, and is never counted as unused.
fn meaning(word: &str) -> Vec<Capability> {
    use Capability::{
        Credentials, DynamicCode, Environment, FileRead, FileWrite, NativeCode, NetworkClient, NetworkServer, Process,
        Shell,
    };
    let word = word.to_ascii_lowercase().replace(['_', ' ', ':', '.'], "-");
    let tables: [(&[&str], &[Capability]); 9] = [
        (&["network", "network-client", "http", "https", "web", "internet", "fetch", "api"], &[NetworkClient]),
        (&["network-server", "server", "listen"], &[NetworkServer]),
        (&["process", "subprocess", "exec", "command", "commands", "shell", "bash", "terminal"], &[Process, Shell]),
        (&["filesystem", "file-system", "files", "fs", "file"], &[FileRead, FileWrite]),
        (&["filesystem-read", "file-read", "fs-read", "read-files", "read"], &[FileRead]),
        (&["filesystem-write", "file-write", "fs-write", "write-files", "write"], &[FileRead, FileWrite]),
        (&["env", "environment", "environment-variables"], &[Environment]),
        (&["credentials", "secrets"], &[Credentials, Environment]),
        (&["eval", "code-execution", "dynamic-code", "native-code", "native"], &[DynamicCode, NativeCode]),
    ];
    let known = tables.iter().find(|(words, _)| words.contains(&word.as_str()));
    known.map_or_else(Vec::new, |(_, means)| means.to_vec())
}
