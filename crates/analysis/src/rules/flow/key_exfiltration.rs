//! A key or a secret that a caller hands over goes to an address that stands in the code.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Effects, Taint, Value, address_of};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "key-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Critical,
    message: "Sends the key of a wallet, as a caller handed it over, to an address that stands in the code.",
    why: "The key of a wallet signs; nobody but its owner ever needs it. Copies of client libraries take keys and passwords \
          as the original does, and send them away in one call more.",
    false_positives: "What is made of a key (a signature, an address) is not the key. Passwords and secrets go to the \
                      services that they belong to: they count only where nobody looks at the answer, so that the call \
                      has no other purpose than that the other side knows them.",
    example: include_str!("key_exfiltration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET) {
        if !call.taint.any(Taint::KEY | Taint::GIVEN) || address_of(&call.arguments).is_none() {
            continue;
        }
        let sent = sent(call);
        // A session keeps what a login answers.
        let rest = source.facts.source.get(call.place.end as usize..).unwrap_or_default().trim_start();
        let unheard = call.discarded && !call.path.contains("()") && !rest.starts_with(".then");
        if sent.any(Taint::KEY) {
            hits.push_call(source.facts, call);
        } else if sent.any(Taint::GIVEN) && unheard {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.message(
                "Sends a password or secret that a caller handed over to an address that stands in the code, and nobody \
                 looks at the answer.",
            ));
        }
    }
}

/// What a flow from another file means to this rule: the address stands where the request is made.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let sends = effects.any(Effects::NET) && taint.any(Taint::FIXED) && taint.any(Taint::KEY);
    sends.then_some(([Severity::Critical; 3], RULE.message))
}

/// What the parts of a request are made of that carry data; what proves who asks is not among them.
fn sent(call: &Call<'_>) -> Taint {
    const PROOFS: [&str; 8] = ["headers", "auth", "cert", "cookies", "proxies", "Authorization", "key", "verify"];
    let of = |value: &Value<'_>| match value.field("headers").or(value.field("method")).or(value.field("auth")) {
        Some(_) => ["body", "data", "json", "params", "form", "formData", "searchParams"]
            .into_iter()
            .filter_map(|name| value.field(name))
            .fold(Taint::NONE, |all, field| all | field.taint),
        None => value.taint,
    };
    let data = call.arguments.iter().filter(|a| a.name.as_deref().is_none_or(|name| !PROOFS.contains(&name)));
    data.fold(Taint::NONE, |all, argument| all | of(&argument.value))
}
