//! A host name is built from what the code knows of the machine.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint, When};
use crate::rules::flow::Verdict;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dns-exfiltration",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::High,
    message: "Resolves a host name that is built from what the code knows of the machine.",
    why: "Name resolution passes most firewalls; data in front of a domain reaches whoever runs that domain.",
    false_positives: "Resolving the own host name, one from the configuration, or a service of the own domain is ordinary; \
                      only names count in which data stands before a domain of the code's own, and constant ones of \
                      which nobody looks at the answer while the module loads. Names that everybody resolves to see \
                      whether there is a network are left out.",
    example: include_str!("dns_exfiltration/hit.py"),
    check: Check::Source(check),
};

/// What nobody has a reason to put in front of a domain.
const TELLING: Taint = Taint::HOST_INFO
    .with(Taint::SECRET)
    .with(Taint::ENV_ALL)
    .with(Taint::CREDENTIAL)
    .with(Taint::FILE)
    .with(Taint::REMOTE)
    .with(Taint::KEY);

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let grave = Taint::KEY | Taint::SECRET | Taint::ENV_ALL | Taint::CREDENTIAL;
    let tells = effects.any(Effects::RESOLVE) && taint.any(Taint::FOLLOWED) && taint.any(grave);
    tells.then_some(([Severity::High, Severity::Critical, Severity::Critical], RULE.message))
}

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET).filter(|call| resolves(&call.path)) {
        let Some(name) = call.positional(0) else { continue };
        let taint = name.taint;
        if taint.any(Taint::FOLLOWED) && taint.any(TELLING | Taint::ENV | Taint::DECODED) {
            let hit = hits.at(source.facts, call.place);
            let (called, loaded) = match taint.any(TELLING) {
                true => (Severity::High, Severity::Critical),
                false => (Severity::Low, Severity::High),
            };
            hits.push(hit.severity(called).loaded(loaded));
        } else if call.discarded
            && source.facts.when(call.place) == When::Load
            && let Some(labels) = name.as_text().and_then(labels_of_stranger)
        {
            let loaded = if labels >= 4 { Severity::Critical } else { Severity::High };
            let hit = hits.at(source.facts, call.place).severity(Severity::Info).loaded(loaded);
            hits.push(hit.message(
                "Resolves a name and does not look at the answer: whoever runs the domain learns that the code ran.",
            ));
        }
    }
}

/// How many labels a host name has that nobody resolves to see whether there is a network.
fn labels_of_stranger(host: &str) -> Option<usize> {
    const PROBES: [&str; 23] = [
        "one",
        "google",
        "cloudflare",
        "microsoft",
        "msftncsi",
        "msftconnecttest",
        "apple",
        "github",
        "githubusercontent",
        "pypi",
        "pythonhosted",
        "python",
        "npmjs",
        "nodejs",
        "debian",
        "ubuntu",
        "fedoraproject",
        "baidu",
        "quad9",
        "opendns",
        "example",
        "amazonaws",
        "internal",
    ];
    let labels: Vec<&str> = host.split('.').collect();
    let name = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let letters = host.bytes().any(|byte| byte.is_ascii_alphabetic());
    let reserved = matches!(*labels.last()?, "local" | "localhost" | "internal" | "lan" | "corp" | "home");
    let probe = labels.iter().rev().take(3).any(|label| PROBES.contains(label));
    (labels.len() >= 3 && labels.iter().all(name) && letters && !reserved && !probe).then_some(labels.len())
}

fn resolves(path: &str) -> bool {
    let names = [
        "gethostbyname",
        "gethostbyname_ex",
        "getaddrinfo",
        "lookup",
        "resolve",
        "resolve4",
        "resolve6",
        "resolveTxt",
        "query",
        "resolveCname",
        "resolveAny",
        "resolveMx",
        "resolveNs",
        "resolveSrv",
    ];
    let modules = ["socket.", "dns."];
    modules.iter().any(|module| path.starts_with(module))
        && path.rsplit('.').next().is_some_and(|name| names.contains(&name))
}
