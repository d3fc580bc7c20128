//! Payments of a web page are redirected.

use sigma_core::{Category, Severity};

use crate::facts::Facts;
use crate::language::Language;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "wallet-replacement",
    category: Category::Credential,
    capability: None,
    severity: Severity::Critical,
    message: "Hooks the requests of a web page and holds a list of wallet addresses, so that payments can be redirected.",
    why: "A library that runs in the page of a wallet can replace the receiver while the user reads the right one.",
    false_positives: "Tools that trace requests hook them too, but hold no addresses.",
    example: include_str!("wallet_replacement/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if source.facts.language != Language::JavaScript && source.facts.language != Language::TypeScript {
        return;
    }
    let bytes = source.facts.source.as_bytes();
    let has = |text: &str| memchr::memmem::find(bytes, text.as_bytes());
    // The rarest word first: most sources hold none of the others either.
    if has("ethereum").is_none() {
        return;
    }
    let hooks = ["XMLHttpRequest.prototype.", "window.fetch=", "window.fetch ="];
    // The wallet itself is hooked and one receiver stands in the code.
    let own = ["ethereum.request = ", "ethereum.request=", "ethereum.sendAsync = ", "ethereum.sendAsync="];
    let sends = has("eth_sendTransaction").is_some() && has(".to = ").or_else(|| has(".to=")).is_some();
    if let Some(place) = own.into_iter().find_map(has).filter(|_| sends && addresses(source.facts) > 0) {
        let hit = hits.at_offset(place, "hooks the wallet and sets a constant receiver");
        hits.push(hit);
        return;
    }
    let Some(place) = hooks.into_iter().find_map(has) else { return };
    let wallet = ["ethereum.request", "eth_sendTransaction", "window.ethereum"].into_iter().find_map(has).is_some();
    if wallet && addresses(source.facts) >= ADDRESSES {
        let hit = hits.at_offset(place, "hooks requests beside a list of wallet addresses");
        hits.push(hit);
    }
}

/// Addresses that no honest page holds beside a hook.
const ADDRESSES: usize = 5;

/// How many texts look like addresses of wallets: `0x` and forty digits.
fn addresses(facts: &Facts<'_>) -> usize {
    let bytes = facts.source.as_bytes();
    let whole = |at: &usize| {
        let digits = bytes[at + 2..].iter().take(41).take_while(|byte| byte.is_ascii_hexdigit()).count();
        digits == 40
    };
    memchr::memmem::find_iter(bytes, b"0x").filter(whole).take(ADDRESSES).count()
}
