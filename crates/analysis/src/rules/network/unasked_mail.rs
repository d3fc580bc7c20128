//! A mail is sent from a mailbox whose password stands in the code, while the package is loaded.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "unasked-mail",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Info,
    message: "Sends a mail from a mailbox whose password stands in the code.",
    why: "A mailbox of the author's own is a way out that no firewall closes. Nobody who only imports a package wants a mail to be sent.",
    false_positives: "Examples and tests send mails when somebody calls them: INFO.",
    example: include_str!("unasked_mail/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let literal = |value: Option<&Value<'_>>| value.and_then(Value::as_text).is_some_and(|text| text.len() >= 6);
    // `server.login("me@host", "password")`, and both ends of the mail.
    let owned =
        |call: &&Call<'_>| call.path.ends_with(".login") && literal(call.positional(0)) && literal(call.positional(1));
    let logins: Vec<u32> = source.calls(Effects::NET).filter(owned).map(|call| call.place.function).collect();
    let sends = |call: &&Call<'_>| {
        (call.path.ends_with(".sendmail") || call.path.ends_with(".send_message"))
            && logins.contains(&call.place.function)
    };
    for call in source.calls(Effects::NET).filter(sends).take(3) {
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.loaded(Severity::High).installed(Severity::Critical));
    }
}
