//! Payments of a web page are redirected.

use sigma_core::{Category, Severity};

use super::clipboard_hijack::has_address_pattern;
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
    false_positives: "Tools that trace requests hook them too, but hold no addresses. An allowance without a limit for an account that \
                      stands in a small file is HIGH.",
    example: include_str!("wallet_replacement/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if source.facts.language != Language::JavaScript && source.facts.language != Language::TypeScript {
        return;
    }
    let bytes = source.facts.source.as_bytes();
    let has = |text: &str| source.find(text);
    let first = |texts: &[&str]| texts.iter().find_map(|text| has(text));
    // The wallet itself is hooked: what it is asked for has a receiver that stands in the code.
    if has("eth_sendTransaction").is_some()
        && let Some(place) = first(&[".request = ", ".request=", ".sendAsync = ", ".sendAsync=", ".send = ", ".send="])
        && (sets_receiver(bytes) || first(&["ethereum.request = ", "ethereum.request="]).is_some() && set_at_all(bytes))
        && addresses(source.facts) > 0
    {
        let hit = hits.at_offset(place, "hooks the wallet and sets a constant receiver");
        hits.push(hit);
        return;
    }
    // The wallet stands behind a proxy that puts another account into what is signed.
    let signs = || first(&["signTransaction", "signAndSendTransaction"]).is_some();
    if has("new Proxy(").is_some()
        && signs()
        && first(&[".pubkey = ", ".pubkey="]).is_some()
        && let Some(place) = first(&[
            "window, 'solana'",
            "window, \"solana\"",
            "window,\"solana\"",
            "window.solana = ",
            "window.solana=",
        ])
    {
        let hit = hits.at_offset(place, "puts the wallet behind a proxy that changes accounts");
        hits.push(hit.message("Puts itself in the place of the wallet, and changes the accounts of what is signed."));
        return;
    }
    // A wallet is asked to let an account that stands in the code take everything.
    if bytes.len() <= SMALL
        && has("eth_sendTransaction").is_some()
        && has("\"f\".repeat(")
            .or_else(|| has("'f'.repeat("))
            .or_else(|| has("ffffffffffffffffffffffffffffffff"))
            .is_some()
        && addresses(source.facts) > 0
        && let Some(place) = first(&["0x095ea7b3", "0x39509351", "0xa22cb465"])
    {
        let hit = hits.at_offset(place, "asks for an allowance without a limit by hand");
        hits.push(
            hit.severity(Severity::High)
                .message("Asks the wallet to let an account that stands in the code take everything."),
        );
        return;
    }
    // The same through a library: `contract.setApprovalForAll("0x..", true)`.
    if bytes.len() <= SMALL
        && let Some(place) = grants_all(bytes)
    {
        let hit = hits.at_offset(place, "lets an account that stands in the code take everything");
        hits.push(
            hit.severity(Severity::High)
                .message("Asks the wallet to let an account that stands in the code take everything."),
        );
        return;
    }
    let page = first(&["XMLHttpRequest.prototype.", "window.fetch=", "window.fetch ="]);
    let wallet = || first(&["ethereum.request", "eth_sendTransaction", "window.ethereum"]).is_some();
    if let Some(place) = page.filter(|_| wallet() && addresses(source.facts) >= ADDRESSES) {
        let hit = hits.at_offset(place, "hooks requests beside a list of wallet addresses");
        hits.push(hit);
        return;
    }
    // What a page sends or gets is searched for addresses of wallets, and some stand in the code to put in their place.
    let hooked = page.or_else(|| first(&[".fetch = ", ".fetch=function", ".fetch=async"]));
    // In a bundle they may be strangers: only what stands around the hook counts.
    let around = |place: usize| {
        let text = source.facts.source;
        let from = text.floor_char_boundary(place.saturating_sub(AROUND));
        &text[from..text.ceil_char_boundary(text.len().min(place + AROUND))]
    };
    let replaces = |text: &str| text.contains(".replace(") && has_address_pattern(text) && addresses_in(text) > 0;
    if let Some(place) = hooked.filter(|place| replaces(around(*place))) {
        let hit = hits.at_offset(place, "hooks requests and replaces addresses of wallets in them");
        hits.push(hit);
    }
}

/// Bytes of a source in which a request and an account belong together.
const SMALL: usize = 64 << 10;

/// True where a receiver is set: `tx.to = `.
fn set_at_all(bytes: &[u8]) -> bool {
    [&b".to = "[..], b".to="].iter().any(|text| memchr::memmem::find(bytes, text).is_some())
}

/// True where a receiver is set to an address that stands in the code, and not to the one nobody owns: `tx.to = "0x..."`,
/// `tx.to = ACCOUNT`.
fn sets_receiver(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b".to").take(MAX_PLACES).any(|at| {
        let rest = bytes[at + 3..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) else { return false };
        account(bytes, rest).is_some()
    })
}

/// Where an account that stands in the code is allowed to take everything of a kind.
fn grants_all(bytes: &[u8]) -> Option<usize> {
    const GRANTS: [(&[u8], &[&[u8]]); 2] = [
        (b"setApprovalForAll(", &[b"true", b"!0"]),
        (b".approve(", &[b"MaxUint256", b"MAX_UINT", b"maxUint256", b"ethers.constants.MaxUint", b"2n**256n"]),
    ];
    GRANTS.into_iter().find_map(|(grant, all)| {
        memchr::memmem::find_iter(bytes, grant).take(100).find(|at| {
            let rest = bytes[at + grant.len()..].trim_ascii_start();
            let Some(length) = account(bytes, rest) else { return false };
            let Some(rest) = rest[length..].trim_ascii_start().strip_prefix(b",") else { return false };
            let amount = &rest[..rest.len().min(60)];
            let amount = &amount[..memchr::memchr(b')', amount).unwrap_or(amount.len())];
            all.iter().any(|word| memchr::memmem::find(amount, word).is_some())
        })
    })
}

/// The length of an account of a wallet that stands here, or of the name of a constant that is one.
fn account(bytes: &[u8], here: &[u8]) -> Option<usize> {
    let stands = |text: &[u8]| {
        let quote = *text.first()?;
        let digits = text[1..].strip_prefix(b"0x")?;
        let address = digits.iter().take(41).take_while(|byte| byte.is_ascii_hexdigit()).count() == 40;
        let owned = address && digits[..39].iter().any(|byte| *byte != b'0');
        (owned && matches!(quote, b'"' | b'\'')).then_some(44)
    };
    if let Some(length) = stands(here) {
        return Some(length);
    }
    let length =
        here.iter().take(60).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')).count();
    let name = &here[..length];
    let bound = |at: usize| {
        let rest = bytes[at + length..].trim_ascii_start().strip_prefix(b"=")?;
        stands(rest.trim_ascii_start())
    };
    let named = length > 0 && memchr::memmem::find_iter(bytes, name).take(1_000).any(|at| bound(at).is_some());
    named.then_some(length)
}

/// Places that are looked at in one source.
const MAX_PLACES: usize = 10_000;

/// Addresses that no honest page holds beside a hook.
const ADDRESSES: usize = 5;

/// Bytes before and after a hook that belong to it.
const AROUND: usize = 16 << 10;

fn addresses(facts: &Facts<'_>) -> usize {
    addresses_in(facts.source)
}

/// How many texts look like addresses of wallets: `0x` and forty digits.
fn addresses_in(text: &str) -> usize {
    let bytes = text.as_bytes();
    let whole = |at: &usize| {
        let digits = bytes[at + 2..].iter().take(41).take_while(|byte| byte.is_ascii_hexdigit()).count();
        digits == 40
    };
    memchr::memmem::find_iter(bytes, b"0x").filter(whole).take(ADDRESSES).count()
}
