//! What tells about the user or the machine flows into a network call.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Effects, Taint, address_of};
use crate::rules::{Check, Hits, Rule, Source, release};

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
        severity: [Severity::Low, Severity::High, Severity::Critical],
        to_collector: [Severity::Critical; 3],
        message: "A secret of the environment flows into a network call.",
    },
    Flow {
        what: Taint::HOST_INFO,
        severity: [Severity::Low, Severity::High, Severity::Critical],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "Who and where the user is flows into a network call.",
    },
    // Remote control and notes between machines do so on request; nobody asks for it by an import.
    Flow {
        what: Taint::WATCHED,
        severity: [Severity::Low, Severity::High, Severity::Critical],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "What the user copied, typed or showed flows into a network call.",
    },
    Flow {
        what: Taint::OUTPUT,
        severity: [Severity::Info, Severity::High, Severity::Critical],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "What another program printed flows into a network call.",
    },
    // A tool sends what it keeps itself, and what it is pointed to; nobody pointed it to the user's folders.
    Flow {
        what: Taint::FOUND,
        severity: [Severity::Low, Severity::High, Severity::Critical],
        to_collector: [Severity::High, Severity::Critical, Severity::Critical],
        message: "Looks through the user's folders and sends what it finds there.",
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
    for call in source
        .calls(Effects::NET | Effects::PREPARE | Effects::SPAWN)
        .filter(|call| !is_own_lookup(call) && !is_destination(call))
    {
        // The bot is that of whoever gives its token: it collects for nobody else.
        let taint = if is_own_bot(call) {
            call.taint.without(Taint::EXFIL_HOST | Taint::SECRET | Taint::NAMED_HOST)
        } else {
            call.taint
        };
        if let Some(([called, loaded, installed], message)) = verdict(call.effects, taint) {
            // A client sends the key of its own service; the keys of another service in an address are stolen.
            let cloud = call.taint.any(Taint::SECRET) && loaded == Severity::Medium && sends_cloud_keys(source, call);
            let loaded = if cloud { Severity::High } else { loaded };
            // The address stands in the code; where nobody waits for an answer or an encoding hides it, the files are
            // what it is after.
            let fixed = call.taint.any(Taint::FOUND) && address_of(&call.arguments).is_some();
            let (called, loaded) = match fixed {
                true if call.discarded || call.taint.any(Taint::DECODED) => (Severity::Critical, Severity::Critical),
                true => (called.max(Severity::High), loaded),
                false => (called, loaded),
            };
            // Who tells a stranger where it runs, and does not wait for an answer, only wants that to be known.
            let beacon =
                call.discarded && call.taint.any(Taint::HOST_INFO | Taint::WATCHED) && loaded == Severity::High;
            let loaded = if beacon { Severity::Critical } else { loaded };
            let called = if called == Severity::High && gives_all(call) { Severity::Critical } else { called };
            let hit = hits.at(source.facts, call.place).severity(called).loaded(loaded).installed(installed);
            hits.push(hit.message(message));
        }
    }
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let network = effects.any(Effects::NET | Effects::PREPARE);
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    // A child process is handed the environment as a matter of course; a command line with an address is not.
    let told_where = collector && effects.any(Effects::SPAWN);
    if !network && !told_where {
        return None;
    }
    // Where to go is not what is told, unless that stands behind an address of the code's own.
    let taint = match effects.any(Effects::PLACE) && !collector {
        true if taint.any(Taint::BEHIND) => taint.without(Taint::ENV | Taint::OUTPUT | Taint::FILE),
        true => return None,
        false => taint,
    };
    let flow = FLOWS.iter().find(|flow| taint.any(flow.what))?;
    // A forge that is asked for something with a token is the one that made the token.
    let more = Taint::HOST_INFO | Taint::OUTPUT | Taint::CREDENTIAL | Taint::ADDRESS | Taint::DECODED | Taint::REMOTE;
    if effects.any(Effects::ASKS) && flow.what == Taint::SECRET && taint.any(Taint::FORGE) && !taint.any(more) {
        return Some(([Severity::Info, Severity::Low, Severity::Medium], flow.message));
    }
    let [called, loaded, installed] = if collector { flow.to_collector } else { flow.severity };
    // Whoever starts the program says where that goes.
    let (loaded, installed) = if effects.any(Effects::LED) { (called, called) } else { (loaded, installed) };
    Some(([called, loaded, installed], flow.message))
}

/// Looking up one's own address tells nobody anything: `gethostbyname(gethostname())`.
fn is_own_lookup(call: &Call<'_>) -> bool {
    let name = call.path.rsplit('.').next().unwrap_or_default();
    if matches!(name, "emit" | "end" | "post" | "put" | "send" | "sendall" | "write") {
        return false;
    }
    let path = call.positional(0).and_then(|value| value.path.as_deref()).unwrap_or_default();
    ["gethostname()", "getfqdn()", "platform.node()", "os.hostname()"].iter().any(|own| path.ends_with(own))
}

/// True for a message to a bot whose token the environment of whoever runs it gives.
fn is_own_bot(call: &Call<'_>) -> bool {
    let address = call.positional(0).or_else(|| call.option("url"));
    address.is_some_and(|address| {
        let secret = address.taint.any(Taint::SECRET | Taint::TOKEN) && !address.taint.any(Taint::DECODED);
        secret
            && address.as_text().is_none()
            && address.as_prefix().is_some_and(|text| text.ends_with("telegram.org/bot"))
    })
}

/// True when the whole environment goes to one host of the author's choice, as data or behind the address: no service
/// needs that from whoever calls it.
fn gives_all(call: &Call<'_>) -> bool {
    let address = call.positional(0).or_else(|| call.option("url"));
    let Some(text) = address.and_then(|address| address.as_prefix()) else { return false };
    let host = text.split_once("://").map_or("", |(_, rest)| rest).split(['/', ':', '?']).next().unwrap_or_default();
    let all = call.arguments.iter().any(|argument| argument.value.whole_taint().any(Taint::ENV_ALL));
    all && call.taint.any(Taint::NAMED_HOST) && !release::is_release_host(host)
}

/// True when the file reads both halves of a cloud's key from the environment and the call goes to another host.
fn sends_cloud_keys(source: &Source<'_>, call: &Call<'_>) -> bool {
    let read = |name: &str| source.facts.environment.iter().any(|read| read.name.as_deref() == Some(name));
    let keys = read("AWS_SECRET_ACCESS_KEY") && read("AWS_ACCESS_KEY_ID");
    let address = call.positional(0).and_then(|address| address.as_prefix()).unwrap_or_default();
    keys && address.contains("://") && !address.contains("amazonaws.com")
}

/// True when all that the call is told of the machine is where to connect: a host that a configuration or another
/// program named, not data behind an address of the code's own.
fn is_destination(call: &Call<'_>) -> bool {
    const TELLING: Taint = Taint::ENV_ALL
        .with(Taint::SECRET)
        .with(Taint::HOST_INFO)
        .with(Taint::OUTPUT)
        .with(Taint::WATCHED)
        .with(Taint::FILE)
        .with(Taint::ENV);
    let Some(first) = call.positional(0).filter(|_| call.effects.any(Effects::NET)) else { return false };
    let named = first.as_prefix().is_some_and(|prefix| !prefix.is_empty()) || !first.items().is_empty();
    let told = call.arguments.iter().filter(|argument| !std::ptr::eq(&argument.value, first));
    const GRAVE: Taint = Taint::ENV_ALL
        .with(Taint::SECRET)
        .with(Taint::HOST_INFO)
        .with(Taint::WATCHED)
        .with(Taint::ADDRESS)
        .with(Taint::FOUND)
        .with(Taint::BEHIND);
    let grave = first.taint.any(GRAVE);
    !named && !grave && !told.into_iter().any(|argument| argument.value.taint.any(TELLING))
}
