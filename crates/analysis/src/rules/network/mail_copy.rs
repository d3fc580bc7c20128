//! Every mail that the code sends is copied to one constant receiver.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "mail-copy",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::High,
    message: "Copies every mail that it sends to a receiver that stands in the code.",
    why: "A blind copy is seen by nobody but its receiver. A library that sends the mails of its user has no reason for one.",
    false_positives: "Applications copy mails to themselves, and are not published as packages; a receiver from the configuration is not seen.",
    example: include_str!("mail_copy/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for mention in source.signs(Signs::COPY_RECEIVER).take(3) {
        let hit = hits.at(source.facts, mention.place);
        // An agent's tool sends the mails of whoever talks to the agent.
        let tool = source
            .facts
            .imports
            .iter()
            .any(|name| matches!(name.as_str(), "@modelcontextprotocol/sdk" | "mcp" | "fastmcp"));
        hits.push(if tool { hit.severity(Severity::Critical) } else { hit });
    }
    // `sendmail(from, [to, "a@b"], text)`
    for call in source.calls(Effects::NET).filter(|call| call.path.ends_with(".sendmail")) {
        let Some(receivers) = call.positional(1).map(Value::items).filter(|receivers| receivers.len() >= 2) else {
            continue;
        };
        let constant = |receiver: &Value<'_>| receiver.as_text().is_some_and(|text| text.contains('@'));
        if receivers.iter().any(constant) && !receivers.iter().all(constant) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.message("Sends every mail to one more receiver, who stands in the code."));
        }
    }
}
