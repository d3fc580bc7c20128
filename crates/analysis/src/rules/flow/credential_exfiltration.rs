//! What a credential file or store holds flows into a network call.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Effects, Signs, Taint, Value, find_mention};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "credential-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::High,
    message: "What a credential file or store holds flows into a network call.",
    why: "Reading a key file and sending what it holds is theft; either half alone may be honest.",
    false_positives: "A cloud client sends what it read from its own profile when it is called; that is HIGH at most. \
          While the module loads, or to a collector's address, nothing innocent explains it.",
    example: include_str!("credential_exfiltration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET | Effects::PREPARE) {
        // Keys that go back to the service that gave them stay on the machine; its address beside them tells nothing.
        // What a connection is handed is no address: where it goes was said before.
        let hands = HANDS.contains(&call.path.rsplit('.').next().unwrap_or_default());
        let address = call.positional(0).or_else(|| call.option("url")).filter(|_| !hands);
        let back =
            !hands && address.is_none_or(|address| address.taint.any(Taint::CREDENTIAL_PATH) && !is_elsewhere(address));
        // A place that only the machine's own configuration names: the cluster or the service that the token is for.
        if address.is_some_and(is_configured) || prepared(source, call).is_some_and(is_configured) {
            continue;
        }
        let taint = if back { call.taint } else { call.taint.without(Taint::CREDENTIAL_PATH) };
        if let Some(([called, loaded, _], _)) = verdict(call.effects, taint) {
            // Clients of clouds send what they find in profiles; nobody's client sends keys of SSH, wallets and browsers.
            let personal = Signs::SSH | Signs::WALLET | Signs::BROWSER | Signs::MESSENGER | Signs::KEYCHAIN;
            let of_service = Signs::CLOUD | Signs::DEVELOPER | Signs::METADATA;
            let stolen = source.facts.signs.any(personal) && !source.facts.signs.any(of_service);
            // In a bundle the signs belong to strangers.
            let small = source.facts.source.len() <= SMALL;
            let called = if stolen && small && call.taint.any(Taint::NAMED_HOST) { Severity::Critical } else { called };
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(loaded));
        }
    }
}

/// Bytes of a source in which what is named and what is sent belong together.
const SMALL: usize = 256 << 10;

/// Methods of a connection that is there already.
const HANDS: [&str; 6] = ["emit", "end", "send", "sendall", "send_message", "write"];

/// True for an address whose host stands in the code and is no service that hands out credentials, whatever follows it.
fn is_elsewhere(address: &Value<'_>) -> bool {
    address.as_prefix().is_some_and(|text| {
        text.contains("://") && find_mention(text).is_none_or(|named| !named.taint.any(Taint::CREDENTIAL_PATH))
    })
}

/// True for an address of which the code names nothing, and that comes from the environment.
fn is_configured(address: &Value<'_>) -> bool {
    const ELSEWHERE: Taint =
        Taint::ADDRESS.with(Taint::BEHIND).with(Taint::DECODED).with(Taint::REMOTE).with(Taint::FILE);
    let scheme = address.as_prefix().is_none_or(|text| matches!(text, "" | "http://" | "https://"));
    scheme && address.taint.any(Taint::ENV) && !address.taint.any(ELSEWHERE | Taint::CREDENTIAL)
}

/// The address of the request that a call sends: the one made ready last before it in the same function.
fn prepared<'s>(source: &Source<'s>, call: &Call<'s>) -> Option<&'s Value<'s>> {
    let request = call.positional(0)?.path.as_deref().filter(|path| path.ends_with("Request()"))?;
    let made = source.calls(Effects::PREPARE).filter(|made| {
        made.place.function == call.place.function
            && made.place.start < call.place.start
            && request.starts_with(&*made.path)
    });
    made.last()?.positional(0)
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    if !effects.any(Effects::NET | Effects::PREPARE) || !taint.any(Taint::CREDENTIAL) {
        return None;
    }
    // Who asks the metadata service again shows it what it said before; a file is told nobody by its path.
    if taint.any(Taint::CREDENTIAL_PATH) && !taint.any(Taint::FILE) {
        return None;
    }
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    // What every client of a cloud or a registry does when somebody asks it to.
    // Who does not wait for an answer asks for nothing.
    let told = taint.any(Taint::NAMED_HOST) && effects.any(Effects::DISCARDED);
    let called = match (collector, told) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::High,
        (false, false) => Severity::Medium,
    };
    Some(([called, Severity::Critical, Severity::Critical], RULE.message))
}
