//! First panel: the endpoints that a skill has its users talk to.

use std::net::{IpAddr, Ipv6Addr};

use sigma_core::{CodeDossier, ExternalCall, Phase, ProbeOutcome, Reason, SecurityLevel};
use url::{Host, Url};

use super::list;
use crate::Validator;
use crate::reasons::state;

/// Judges declared endpoints, and what was seen of them.
pub struct Endpoints;

impl Validator<CodeDossier> for Endpoints {
    fn id(&self) -> &'static str {
        "endpoints"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let calls = dossier.preprocess.skill.as_ref().map_or(&[][..], |skill| &skill.external_calls);
        if !dossier.category.has_api() && calls.is_empty() {
            return None;
        }
        let mut reasons: Vec<Reason> = calls.iter().filter_map(address).collect();
        if dossier.category.has_api() {
            if calls.is_empty() && dossier.probes.is_empty() {
                let message = "the category has endpoints, and SKILL.md declares none".to_owned();
                reasons.push(state(SecurityLevel::Monitored, "no-endpoint-declared", message));
            }
            reasons.extend(probes(dossier));
        }
        Some(reasons)
    }
}

fn address(call: &ExternalCall) -> Option<Reason> {
    let about = |level, code: &str, message: &str| {
        let shown = sigma_core::printable(&call.url, 200);
        Some(Reason { location: Some(shown.clone()), ..state(level, code, format!("{message}: {shown}")) })
    };
    let Ok(url) = Url::parse(&call.url) else {
        return about(SecurityLevel::Monitored, "endpoint-unreadable", "a declared endpoint is no address");
    };
    match url.host() {
        Some(host) if is_loopback(&host) => {
            return about(SecurityLevel::Monitored, "endpoint-on-this-machine", "has agents talk to their own machine");
        }
        Some(host) if is_private(&host) => {
            return about(SecurityLevel::Caution, "endpoint-private", "has agents talk into a private network");
        }
        _ => {}
    }
    match (url.scheme(), &call.auth) {
        ("https" | "wss", _) => None,
        ("http" | "ws", Some(auth)) if !auth.eq_ignore_ascii_case("none") => {
            about(SecurityLevel::Caution, "credential-in-the-clear", "has agents send a credential unencrypted")
        }
        ("http" | "ws", _) => about(SecurityLevel::Monitored, "endpoint-in-the-clear", "an endpoint is not encrypted"),
        _ => about(SecurityLevel::Monitored, "endpoint-unreadable", "a declared endpoint is no web address"),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

fn is_private(host: &Host<&str>) -> bool {
    let of_v6 = |ip: Ipv6Addr| ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified();
    let ip = match host {
        // Names that resolve to cloud metadata, and the suffixes that only local networks resolve.
        Host::Domain(name) => {
            return [".internal", ".local", ".lan", ".home.arpa"].iter().any(|suffix| name.ends_with(suffix));
        }
        Host::Ipv4(ip) => IpAddr::V4(*ip),
        Host::Ipv6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(*ip), IpAddr::V4),
    };
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_loopback(),
        IpAddr::V6(ip) => of_v6(ip),
    }
}

fn probes(dossier: &CodeDossier) -> Vec<Reason> {
    let (mut silent, mut unasked, mut failing, mut moved) = (vec![], vec![], vec![], vec![]);
    for probe in &dossier.probes {
        let name = |detail: &str| format!("{} {} ({detail})", probe.method, probe.url);
        match &probe.outcome {
            ProbeOutcome::Answered { code: 500.., .. } => failing.push(name("server error")),
            ProbeOutcome::Answered { location: Some(to), .. } => moved.push(name(to)),
            ProbeOutcome::Answered { .. } => {}
            ProbeOutcome::Failed { reason } => silent.push(name(reason)),
            ProbeOutcome::NotProbed { reason } => unasked.push(name(reason)),
        }
    }
    [
        (unasked, "endpoints-not-probed", "not probed"),
        (silent, "endpoints-silent", "gave no answer"),
        (failing, "endpoints-failing", "answered with an error of the server"),
        (moved, "endpoints-redirect", "redirect, which was not followed"),
    ]
    .into_iter()
    .filter(|(names, ..)| !names.is_empty())
    .map(|(names, code, what)| {
        let message = format!("{} declared endpoint(s) {what}: {}", names.len(), list(&names));
        state(SecurityLevel::Monitored, code, message)
    })
    .collect()
}
