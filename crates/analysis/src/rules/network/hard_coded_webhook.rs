//! A chat webhook or bot with its secret part stands in the code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Signs, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hard-coded-webhook",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::High,
    message: "Holds the whole address of a chat webhook or bot, so that what it reports goes to whoever owns that.",
    why: "A client library takes the address from its user; an address that is built in reports to the author.",
    false_positives: "Placeholders and documentation have no secret part, or one of few different characters, and stay quiet.",
    example: include_str!("hard_coded_webhook/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.facts.signs.any(Signs::WEBHOOK) {
        return;
    }
    let telling = Taint::HOST_INFO | Taint::ENV | Taint::ENV_ALL | Taint::SECRET | Taint::CREDENTIAL | Taint::FILE;
    let calls: Vec<&Call<'_>> = source.calls(Effects::NET | Effects::SPAWN).collect();
    let grave = |call: &Call<'_>| source.facts.when(call.place) == When::Load || call.taint.any(telling);
    let direct = calls.iter().find(|call| {
        let values = call.arguments.iter().flat_map(|a| std::iter::once(&a.value).chain(a.value.items()));
        values.filter_map(|value| value.as_prefix()).any(is_whole)
    });
    if let Some(call) = direct {
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.severity(Severity::Critical));
        return;
    }
    // A whole webhook in a published package, and something that is sent: to whom, the webhook says.
    let used = calls.iter().any(|call| call.taint.any(Taint::EXFIL_HOST) && grave(call))
        || calls.iter().any(|call| call.effects.any(Effects::NET) && call.taint.any(telling))
        || source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::CREDENTIAL_PATH));
    for mention in source.signs(Signs::WEBHOOK).filter(|m| is_whole(source.facts.text(m.place))).take(3) {
        let hit = hits.at(source.facts, mention.place);
        let called = if used { Severity::Critical } else { Severity::High };
        hits.push(hit.severity(called).installed(Severity::Critical));
    }
}

/// True for a text with the secret part of a webhook or bot.
fn is_whole(text: &str) -> bool {
    let after = |mark: &str| text.find(mark).map(|at| &text[at + mark.len()..]);
    let discord = after("/api/webhooks/").and_then(|rest| rest.split_once('/'));
    let slack = after("hooks.slack.com/services/").and_then(|rest| rest.rsplit_once('/'));
    let telegram = after("api.telegram.org/bot").and_then(|rest| rest.split_once(':'));
    let digits = |id: &str| id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_digit());
    discord.is_some_and(|(id, token)| digits(id) && is_secret(token, 50))
        || slack.is_some_and(|(id, token)| id.contains("/B") && is_secret(token, 20))
        || telegram.is_some_and(|(id, token)| digits(id) && is_secret(token, 30))
}

/// True for a token of at least `length` characters that is no placeholder.
fn is_secret(text: &str, length: usize) -> bool {
    let token: Vec<u8> =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).take(100).collect();
    let different: std::collections::BTreeSet<&u8> = token.iter().collect();
    token.len() >= length && different.len() >= 10
}
