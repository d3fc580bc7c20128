//! What tells about the user or the machine flows into a network call.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "environment-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Environment),
    severity: Severity::High,
    message: "An environment value flows into a network call.",
    why: "The environment of a build machine or a developer holds tokens; sending it away is how they are stolen.",
    false_positives: "Every client of an interface sends its own key to its own service: that is LOW, or MEDIUM while \
          the module loads. The whole environment, or a known collector's address, is more.",
    example: include_str!("environment_exfiltration/hit.py"),
    check: Check::Source(check),
};

/// What flows, how much that matters when the code is called, imported, installed, and the same when it goes to an
/// address that serves to collect data.
struct Flow {
    what: Taint,
    severity: [Severity; 3],
    to_collector: [Severity; 3],
    message: &'static str,
}

/// The first that fits counts.
const FLOWS: &[Flow] = &[
    Flow {
        what: Taint::ENV_ALL,
        severity: [Severity::High, Severity::Critical, Severity::Critical],
        to_collector: [Severity::Critical; 3],
        message: "The whole environment flows into a network call.",
    },
    // What every client of an interface does with its key, unless nobody asked it to.
    Flow {
        what: Taint::SECRET,
        severity: [Severity::Low, Severity::Medium, Severity::High],
        to_collector: [Severity::Critical; 3],
        message: "A secret of the environment flows into a network call.",
    },
    Flow {
        what: Taint::HOST_INFO,
        severity: [Severity::Low, Severity::High, Severity::Critical],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "Who and where the user is flows into a network call.",
    },
    Flow {
        what: Taint::OUTPUT,
        severity: [Severity::Info, Severity::Medium, Severity::High],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "What another program printed flows into a network call.",
    },
    Flow {
        what: Taint::FILE,
        severity: [Severity::Info, Severity::Info, Severity::Low],
        to_collector: [Severity::Medium, Severity::Critical, Severity::Critical],
        message: "What a file of the user holds is sent to an address that often serves to collect data.",
    },
    Flow {
        what: Taint::ENV,
        severity: [Severity::Info, Severity::Info, Severity::Low],
        to_collector: [Severity::Medium, Severity::High, Severity::Critical],
        message: "An environment value flows into a network call.",
    },
];

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET | Effects::SPAWN).filter(|call| !is_own_lookup(call)) {
        if let Some(([called, loaded, installed], message)) = verdict(call.effects, call.taint) {
            let hit = hits.at(source.facts, call.place).severity(called).loaded(loaded).installed(installed);
            hits.push(hit.message(message));
        }
    }
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let network = effects.any(Effects::NET);
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    // A child process is handed the environment as a matter of course; a command line with an address is not.
    if !network && !(collector && effects.any(Effects::SPAWN)) {
        return None;
    }
    let flow = FLOWS.iter().find(|flow| taint.any(flow.what))?;
    Some((if collector { flow.to_collector } else { flow.severity }, flow.message))
}

/// Looking up one's own address tells nobody anything: `gethostbyname(gethostname())`.
fn is_own_lookup(call: &Call<'_>) -> bool {
    let path = call.positional(0).and_then(|value| value.path.as_deref()).unwrap_or_default();
    ["gethostname()", "getfqdn()", "platform.node()", "os.hostname()"].iter().any(|own| path.ends_with(own))
}
