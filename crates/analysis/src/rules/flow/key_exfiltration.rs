//! What callers or visitors hand over in confidence is sent to a host that stands in the code.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Effects, Taint, Value, address_of};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "key-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::High,
    message: "A private key or a recovery phrase that the caller hands over is sent to a host that stands in the code.",
    why: "A library needs a key to sign with it. Nothing that is honest sends it anywhere, least of all to an address that \
          its author chose.",
    false_positives: "A client sends passwords and tokens to its own service and waits for the answer: not seen. Signatures, \
                      digests and clients made of a key are no keys any more. Hosts that the caller names are not the \
                      author's.",
    example: include_str!("key_exfiltration/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    // Where to connect is not what is told.
    let tells = |call: &&Call<'_>| !call.path.ends_with(".connect") && !call.path.ends_with(".connect_ex");
    for call in source.calls(Effects::NET | Effects::PREPARE).filter(tells) {
        let secrets = Taint::PASSWORD | Taint::TOKEN;
        let taint = call.taint.without(secrets) | sent(call, true).and(Taint::PASSWORD);
        // A session keeps what a login answers; what ends a request by hand does not.
        let session = call.path.contains("()") && !call.path.ends_with(".end");
        let rest = source.facts.source.get(call.place.end as usize..).unwrap_or_default().trim_start();
        let heard = session || rest.starts_with(".then");
        let effects = if heard { call.effects.without(Effects::DISCARDED) } else { call.effects };
        // What a page leaves behind is never answered.
        let effects = if call.path.ends_with("sendBeacon") { effects | Effects::DISCARDED } else { effects };
        // What one class of a package hands to another of the same package is taken from nobody.
        let alone = verdict(effects, taint.without(Taint::TAKEN));
        if let Some(([called, loaded, _], message)) = verdict(effects, taint) {
            let hit = hits.at(source.facts, call.place).severity(called).loaded(loaded).message(message);
            let about = source.facts.stood_in_for.iter().filter(|_| alone.is_none());
            hits.push(hit.about(about.cloned()));
            continue;
        }
        // Whatever stands in the fields of a page that has one for a password.
        let unheard = effects.any(Effects::DISCARDED) && call.taint.any(Taint::NAMED_HOST);
        if unheard && gathers_fields(source.facts.source) {
            let message = "What is typed into a form with a password is sent to a host that stands in the code, and nobody waits \
                           for an answer.";
            let hit = hits.at(source.facts, call.place).severity(Severity::High);
            hits.push(hit.message(message));
            continue;
        }
        // What a token opens is told by nobody who was not asked to.
        let told = sent(call, false).any(Taint::TOKEN) && !taint.any(Taint::FORGE);
        if told && effects.any(Effects::DISCARDED) && address_of(&call.arguments).is_some() {
            let message = "A token that the caller hands over is sent as data to a host that stands in the code, and nobody waits \
                           for an answer.";
            let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message(message));
        }
    }
}

/// True for a small source that looks for fields of passwords and reads the fields around them. Whoever records what a page
/// shows looks for such fields, too, to leave them out, and is no small file.
fn gathers_fields(text: &str) -> bool {
    let any =
        |words: &[&str]| words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some());
    text.len() <= 16 << 10
        && any(&["=== 'password'", "=== \"password\"", "===\"password\"", "\"password\"===", "== 'password'"])
        && any(&["querySelectorAll(\"input", "querySelectorAll('input", ".elements"])
        && any(&[".value"])
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    // Where to connect is not what is told.
    let tells = effects.any(Effects::NET | Effects::PREPARE) && !effects.any(Effects::PLACE);
    if !tells || !(collector || taint.any(Taint::NAMED_HOST)) {
        return None;
    }
    let unheard = effects.any(Effects::DISCARDED);
    Some(match () {
        _ if taint.any(Taint::KEY) => ([Severity::Critical; 3], RULE.message),
        _ if taint.any(Taint::TAKEN) => {
            let called = if collector { Severity::Critical } else { Severity::High };
            let message = "What callers meant for another package is sent to a host that stands in the code.";
            ([called, Severity::Critical, Severity::Critical], message)
        }
        _ if taint.any(Taint::PAGE) => {
            let called = if collector { Severity::Critical } else { Severity::High };
            let message = "The cookies or the whole storage of a page are sent to a host that stands in the code.";
            ([called; 3], message)
        }
        // Whoever looks for leaked secrets asks a service whether they still work, and reads the answer.
        _ if taint.any(Taint::PASSWORD) && (unheard || taint.any(Taint::RAW_IP | Taint::CATCHER)) => {
            let message = "A password or a card number that the caller hands over is sent to a host that stands in the code, and \
                           nobody waits for an answer.";
            ([Severity::High, Severity::Critical, Severity::Critical], message)
        }
        _ => return None,
    })
}

/// What the parts of a request are made of that carry data, with the address or without it; what proves who asks is not
/// among them.
fn sent(call: &Call<'_>, address: bool) -> Taint {
    const PROOFS: [&str; 8] = ["headers", "auth", "cert", "cookies", "proxies", "Authorization", "key", "verify"];
    let of = |value: &Value<'_>| match value.field("headers").or(value.field("method")).or(value.field("auth")) {
        Some(_) => ["body", "data", "json", "params", "form", "formData", "searchParams"]
            .into_iter()
            .filter_map(|name| value.field(name))
            .fold(Taint::NONE, |all, field| all | field.taint),
        None => value.taint,
    };
    let place = |value: &Value<'_>| value.as_prefix().is_some_and(|text| text.contains("://"));
    let data = call.arguments.iter().filter(|a| a.name.as_deref().is_none_or(|name| !PROOFS.contains(&name)));
    let data = data.filter(|argument| address || !place(&argument.value));
    data.fold(Taint::NONE, |all, argument| all | of(&argument.value))
}
