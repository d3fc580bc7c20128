//! What the rules say of one file, whatever its place in the package, and the memory of files seen before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use sigma_core::{Sha256, SkipReason, printable};

use crate::facts::{Effects, Facts, Links, Signs, find_all_mentions};
use crate::language::Language;
use crate::operator::{Local, OperatorRules};
use crate::parsers::{self, NotParsed};
use crate::rules::{Check, Hit, Hits, Plain, RULES, Source};

use super::layers::Within;
use super::{MAX_EVIDENCE, disguise};

/// How a file is read. Together with its digest it decides the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reading {
    /// The language, if it is source that runs.
    pub language: Option<Language>,
    /// Whether it is the `setup.py` that an installer runs.
    pub setup: bool,
    /// Whether it only declares types: parsed, but nothing in it runs.
    pub quiet: bool,
    /// Whether it may be run, though its name says nothing of a program.
    pub perhaps: bool,
}

impl Reading {
    /// A program in this language, whatever it is called.
    pub fn of(language: Language) -> Self {
        Self { language: Some(language), setup: false, quiet: false, perhaps: false }
    }
}

/// What the rules say of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Hits, at most [`crate::rules::hit::KEPT`] of a rule.
    pub hits: Vec<Hit>,
    /// How often each rule hit, by its index.
    pub totals: BTreeMap<usize, u64>,
    /// Hosts named in network calls.
    pub hosts: BTreeSet<String>,
    /// Modules of others.
    pub imports: BTreeSet<String>,
    /// Modules that may be of the same package, and the function that imports them.
    pub modules: BTreeSet<(Box<str>, u32)>,
    /// What its texts are signs of.
    pub signs: Signs,
    /// What ties it to the other files, with the line and the text of each call that they may reach.
    pub links: Links,
    pub sinks: Vec<(u32, String)>,
    /// How it was read, where that was not the usual way.
    pub not_parsed: Option<NotParsed>,
    /// Whether a text that is named as none looks like a program. What loads it decides.
    pub program: bool,
    /// What the operator's rules say.
    pub local: Local,
}

impl Outcome {
    /// Reads a file and runs every rule on it.
    pub fn of(bytes: &[u8], reading: Reading, depth: u32, rules: &OperatorRules) -> Self {
        let parsers::Decoded { text, unknown } = parsers::decode_source(bytes, reading.language);
        let mut outcome = match reading.language {
            Some(language) if reading.quiet => {
                let (_, not_parsed) = parsers::with_facts(&text, language, false, depth, |_| ());
                Self { not_parsed, local: rules.read(&text, None), ..Self::default() }
            }
            Some(language) => {
                let run = |facts: &mut Facts<'_>| {
                    let local = rules.read(&text, Some(facts));
                    (Self { local, ..Self::of_facts(facts, reading.setup) }, Within::of(facts))
                };
                let ((mut outcome, within), not_parsed) =
                    rules.watching(|| parsers::with_facts(&text, language, reading.setup, depth, run));
                outcome.not_parsed = not_parsed.or(outcome.not_parsed);
                outcome.add_layers(within, reading.setup, depth, rules);
                outcome
            }
            None => Self {
                local: rules.read(&text, None),
                program: reading.perhaps && disguise::is_program(bytes),
                signs: signs_of_data(&text),
                ..Self::default()
            },
        };
        if let (Some(name), None) = (unknown, &outcome.not_parsed) {
            let detail = format!("it declares the encoding {name}, and was read as latin-1");
            outcome.not_parsed = Some(NotParsed { reason: SkipReason::Encoding, detail });
        }
        rules.scan(bytes, Some(&text), &mut outcome.local);
        outcome.add_text(&text);
        outcome
    }

    /// Whether there is anything to say about the file, beside that it may be a program.
    pub fn says_something(&self) -> bool {
        *self != Self { program: self.program, ..Self::default() }
    }

    /// Runs on a text the rules that need no language.
    pub fn of_text(text: &str) -> Self {
        let mut outcome = Self::default();
        outcome.add_text(text);
        outcome
    }

    /// Runs the rules on text.
    pub(super) fn add_text(&mut self, text: &str) {
        let plain = Plain::new(text);
        for (index, rule) in RULES.iter().enumerate() {
            if let Check::Text(check) = rule.check {
                let mut hits = Hits::of(rule, index, text);
                check(&plain, &mut hits);
                self.add(index, hits);
            }
        }
    }

    /// What the rules say of facts, of which it takes what it keeps.
    pub(super) fn of_facts(facts: &mut Facts<'_>, setup: bool) -> Self {
        let mut outcome = Self { hosts: hosts(facts), signs: facts.signs, sinks: sinks(facts), ..Self::default() };
        if facts.overflow {
            let detail =
                format!("more than {} calls: further ones that harm nobody are not looked at", facts.calls.len());
            outcome.not_parsed = Some(NotParsed { reason: SkipReason::OverBudget, detail });
        }
        let source = Source::new(facts, setup);
        for (index, rule) in RULES.iter().enumerate() {
            if let Check::Source(check) = rule.check {
                let mut hits = Hits::of(rule, index, facts.source);
                check(&source, &mut hits);
                outcome.add(index, hits);
            }
        }
        outcome.imports = std::mem::take(&mut facts.imports);
        outcome.modules = std::mem::take(&mut facts.modules);
        outcome.links = std::mem::take(&mut facts.links);
        outcome
    }

    fn add(&mut self, index: usize, hits: Hits<'_>) {
        let (hits, total) = hits.finish();
        self.hits.extend(hits);
        if total > 0 {
            self.totals.insert(index, total);
        }
    }

    /// A rough size in bytes.
    fn weight(&self) -> usize {
        let texts = |texts: &BTreeSet<String>| texts.iter().map(|text| text.len() + 48).sum::<usize>();
        let links = &self.links;
        let linked =
            links.exports.len() * 96 + links.symbols.len() * 96 + links.calls.len() * 64 + links.edges.len() * 8;
        512 + linked
            + self.sinks.len() * 200
            + (self.hits.len() + self.local.hits.len()) * 400
            + texts(&self.hosts)
            + texts(&self.imports)
            + self.modules.iter().map(|(module, _)| module.len() + 24).sum::<usize>()
    }
}

/// Bytes of a table that is looked at: 16 KiB.
const TABLE: usize = 16 << 10;

/// What a small table beside the code is a sign of: the shapes of addresses, which code looks for.
fn signs_of_data(text: &str) -> Signs {
    let table = text.len() <= TABLE && text.trim_start().starts_with(['{', '[']);
    let shapes = |text| find_all_mentions(text).filter(|found| found.signs.any(Signs::ADDRESS_PATTERN)).take(1);
    if table { shapes(text).fold(Signs::NONE, |all, found| all | found.signs) } else { Signs::NONE }
}

/// Line and text of each sink.
fn sinks(facts: &Facts<'_>) -> Vec<(u32, String)> {
    let (mut line, mut offset) = (1, 0);
    let mut places: Vec<(usize, u32, u32)> =
        facts.links.sinks.iter().enumerate().map(|(at, sink)| (at, sink.place.start, sink.place.end)).collect();
    places.sort_by_key(|(_, start, _)| *start);
    let mut all = vec![(0, String::new()); places.len()];
    for (at, start, _) in places {
        let start = start as usize;
        line +=
            memchr::memchr_iter(b'\n', facts.source.as_bytes().get(offset..start).unwrap_or_default()).count() as u32;
        offset = offset.max(start);
        all[at] = (line, printable(facts.text(facts.links.sinks[at].place), MAX_EVIDENCE));
    }
    all
}

/// Hosts kept of one file.
const MAX_HOSTS: usize = 200;

/// The static hosts that network calls name.
pub(crate) fn hosts(facts: &Facts<'_>) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for call in facts.calls.iter().filter(|call| call.effects.any(Effects::NET)) {
        let values = call.arguments.iter().map(|argument| &argument.value);
        let urls = values.clone().filter_map(|value| value.as_prefix()).filter_map(host_of_url);
        let fields = ["hostname", "host", "url", "baseURL"].into_iter().filter_map(|name| call.option(name));
        let named =
            fields.filter_map(|value| value.as_text()).filter_map(|text| host_of_url(text).or(plain_host(text)));
        let address = values.filter_map(|value| value.items().first()?.as_text()).filter_map(plain_host);
        // `HTTPSConnection("host")`, `connect(443, "host")`.
        let takes_host = ["Connection", "connect", "SMTP", "SMTP_SSL", "FTP", "FTP_TLS", "createConnection", "lookup"];
        let first = call.positional(0).filter(|_| takes_host.iter().any(|name| call.path.ends_with(name)));
        let bare = first.and_then(|value| value.as_text()).and_then(plain_host);
        hosts.extend(urls.chain(named).chain(address).chain(bare).map(|host| host.to_ascii_lowercase()));
        if hosts.len() > MAX_HOSTS {
            break;
        }
    }
    hosts
}

/// The host of a URL whose authority is complete.
fn host_of_url(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp" | "tcp" | "udp");
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    plain_host(host).filter(|_| known)
}

/// A text that can be a host: letters, digits, dots and hyphens, with a dot inside.
fn plain_host(text: &str) -> Option<&str> {
    let characters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let dotted = text == "localhost" || (text.contains('.') && !text.starts_with('.') && !text.ends_with('.'));
    (characters && dotted && text.len() <= 253).then_some(text)
}

/// Files seen before, by content. Bounded: when the young half is full it becomes the old half, which is forgotten next.
#[derive(Default)]
pub(crate) struct Memory {
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    young: HashMap<(Sha256, Reading), Arc<Outcome>>,
    old: HashMap<(Sha256, Reading), Arc<Outcome>>,
    weight: usize,
}

/// Bytes that one half holds: 32 MiB. The files of a large package with its tests weigh more than half of that (Django: 18).
const HALF: usize = 32 << 20;

impl Memory {
    /// The outcome of a file, remembered or made now. Two threads may make the same one at the same time; both are equal.
    pub fn outcome(&self, sha256: Sha256, reading: Reading, make: impl FnOnce() -> Outcome) -> Arc<Outcome> {
        let key = (sha256, reading);
        {
            let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(outcome) = halves.young.get(&key).or_else(|| halves.old.get(&key)).cloned() {
                halves.keep(key, &outcome);
                return outcome;
            }
        }
        let outcome = Arc::new(make());
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).keep(key, &outcome);
        outcome
    }
}

impl Halves {
    fn keep(&mut self, key: (Sha256, Reading), outcome: &Arc<Outcome>) {
        if self.young.contains_key(&key) {
            return;
        }
        let weight = outcome.weight();
        if self.weight + weight > HALF {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(key, outcome.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_whole_or_not_told() {
        assert_eq!(host_of_url("https://user@a.example.org:8080/x"), Some("a.example.org"));
        assert_eq!(host_of_url("https://{host}/x"), None);
        assert_eq!(host_of_url("file://a.b/x"), None);
        assert_eq!(plain_host("no host"), None);
    }
}
