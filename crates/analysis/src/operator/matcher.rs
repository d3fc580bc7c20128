//! Conditions over facts and text: in, what one file holds; out, the places where the declarative rules hit.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::Regex;
use sigma_core::{Confidence, printable};

use super::pattern::Patterns;
use super::{Local, LocalHit, LocalRule, MAX_HITS};
use crate::facts::{Call, Effects, Facts, Place, Taint, Value, When};
use crate::report::hosts;

/// Literals of this many bytes in all are looked for with a table of states, which is fastest and takes most memory.
const DENSE_LITERALS: usize = 16 << 10;
/// Characters of evidence.
const EVIDENCE: usize = 160;

/// What a rule asks of a file.
#[derive(Debug)]
pub(super) enum Condition {
    /// Every one of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// Not this one.
    Not(Box<Condition>),
    /// A call.
    Call(CallTest),
    /// An import of a module of others, by its first name.
    Import(Patterns),
    /// A static host in a network call.
    Host(Patterns),
    /// A read of an environment variable of this name.
    Environment(Patterns),
    /// A text that stands in the file.
    Text(String),
    /// A regular expression that the file matches.
    Regex(Regex),
}

/// What is asked of one call; every part that is given must hold.
#[derive(Debug, Default)]
pub(super) struct CallTest {
    /// Its dotted name; any if empty.
    pub names: Patterns,
    /// What it does: one of these.
    pub to: Effects,
    /// What flows into it: one of these.
    pub from: Taint,
    /// One of its constant arguments.
    pub argument: Option<ArgumentTest>,
}

/// What is asked of a constant argument.
#[derive(Debug)]
pub(super) enum ArgumentTest {
    /// It is this text.
    Equals(String),
    /// It holds this text.
    Contains(String),
    /// It matches.
    Matches(Regex),
}

impl Condition {
    /// The names of every call test that has some.
    pub fn for_each_call(&self, tell: &mut dyn FnMut(&Patterns)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each_call(tell)),
            Self::Not(part) => part.for_each_call(tell),
            Self::Call(test) if !test.names.is_empty() => tell(&test.names),
            _ => {}
        }
    }

    fn for_each_text<'c>(&'c self, tell: &mut dyn FnMut(&'c str)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each_text(tell)),
            Self::Not(part) => part.for_each_text(tell),
            Self::Text(text) => tell(text),
            _ => {}
        }
    }
}

/// The conditions of all declarative rules, the rule's index being the condition's.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    conditions: Vec<Condition>,
    literals: HashMap<String, usize>,
    finder: Option<AhoCorasick>,
}

impl Matcher {
    /// Compiles the literals of all conditions into one search.
    pub fn new(conditions: Vec<Condition>) -> Self {
        let mut literals = HashMap::new();
        for condition in &conditions {
            condition.for_each_text(&mut |text| {
                let next = literals.len();
                literals.entry(text.to_owned()).or_insert(next);
            });
        }
        let mut ordered: Vec<&String> = literals.keys().collect();
        ordered.sort_by_key(|text| literals[*text]);
        let dense = ordered.iter().map(|text| text.len()).sum::<usize>() <= DENSE_LITERALS;
        let mut builder = AhoCorasick::builder();
        let finder = builder.kind(dense.then_some(AhoCorasickKind::DFA)).build(&ordered).ok();
        let finder = finder.filter(|_| !ordered.is_empty());
        Self { conditions, literals, finder }
    }

    /// Runs every rule on one file.
    pub fn run(&self, text: &str, facts: Option<&Facts<'_>>, rules: &[LocalRule], local: &mut Local) {
        if self.conditions.is_empty() {
            return;
        }
        let file = File { text, facts, found: self.find(text), matcher: self, hosts: OnceCell::new() };
        let lines = OnceCell::new();
        for (rule, condition) in self.conditions.iter().enumerate().take(rules.len()) {
            let Some(seen) = file.holds(condition) else { continue };
            if seen.is_empty() {
                let nowhere = Seen { at: None, when: When::Load, confidence: Confidence::High, what: String::new() };
                local.push(file.hit(rule, &nowhere, &lines));
            }
            for seen in seen.iter().take(MAX_HITS) {
                local.push(file.hit(rule, seen, &lines));
            }
        }
    }

    /// The first places of every literal.
    fn find(&self, text: &str) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); self.literals.len()];
        let mut open = found.len();
        if let Some(finder) = &self.finder {
            for hit in finder.find_overlapping_iter(text) {
                let places: &mut Vec<usize> = &mut found[hit.pattern().as_usize()];
                if places.len() < MAX_HITS {
                    places.push(hit.start());
                    open -= usize::from(places.len() == MAX_HITS);
                    if open == 0 {
                        break;
                    }
                }
            }
        }
        found
    }
}

/// Something that made a condition hold.
struct Seen {
    /// Where, in bytes.
    at: Option<usize>,
    when: When,
    confidence: Confidence,
    what: String,
}

/// One file while its rules are run.
struct File<'f, 'a> {
    text: &'f str,
    facts: Option<&'f Facts<'a>>,
    found: Vec<Vec<usize>>,
    matcher: &'f Matcher,
    hosts: OnceCell<BTreeSet<String>>,
}

impl File<'_, '_> {
    /// What makes the condition hold; nothing when it does not. Of `all`, the first part that has places tells them.
    fn holds(&self, condition: &Condition) -> Option<Vec<Seen>> {
        match condition {
            Condition::All(parts) => {
                let mut first = Vec::new();
                for part in parts {
                    let seen = self.holds(part)?;
                    if first.is_empty() {
                        first = seen;
                    }
                }
                Some(first)
            }
            Condition::Any(parts) => {
                let mut all: Option<Vec<Seen>> = None;
                for seen in parts.iter().filter_map(|part| self.holds(part)) {
                    all.get_or_insert_default().extend(seen);
                }
                all
            }
            Condition::Not(part) => self.holds(part).is_none().then(Vec::new),
            Condition::Call(test) => {
                let facts = self.facts?;
                let calls = facts.calls.iter().filter(|call| test.holds(call));
                some(calls.take(MAX_HITS).map(|call| at_place(facts, call.place)).collect())
            }
            Condition::Import(names) => {
                let facts = self.facts?;
                let modules = facts.imports.iter().filter(|module| names.names(module));
                some(modules.map(|module| whole_file(format!("import of {module}"))).collect())
            }
            Condition::Host(names) => {
                let facts = self.facts?;
                let hosts = self.hosts.get_or_init(|| hosts(facts)).iter().filter(|host| names.names(host));
                some(hosts.map(|host| whole_file(host.clone())).collect())
            }
            Condition::Environment(names) => {
                let facts = self.facts?;
                let reads = facts.environment.iter();
                let reads = reads.filter(|read| read.name.as_deref().is_some_and(|name| names.names(name)));
                some(reads.take(MAX_HITS).map(|read| at_place(facts, read.place)).collect())
            }
            Condition::Text(text) => {
                let places = self.matcher.literals.get(text).and_then(|index| self.found.get(*index))?;
                some(places.iter().map(|at| self.at_offset(*at)).collect())
            }
            Condition::Regex(regex) => {
                let matches = regex.find_iter(self.text.as_bytes()).take(MAX_HITS);
                some(matches.map(|hit| self.at_offset(hit.start())).collect())
            }
        }
    }

    /// A place in the text, with the rest of its line.
    fn at_offset(&self, at: usize) -> Seen {
        let rest = &self.text.as_bytes()[at..(at + EVIDENCE * 4).min(self.text.len())];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        let what = printable(&String::from_utf8_lossy(line), EVIDENCE);
        Seen { at: Some(at), when: When::Load, confidence: Confidence::High, what }
    }

    fn hit(&self, rule: usize, seen: &Seen, lines: &OnceCell<Vec<usize>>) -> LocalHit {
        let line = seen.at.map_or(0, |at| {
            let ends = lines.get_or_init(|| memchr::memchr_iter(b'\n', self.text.as_bytes()).collect());
            ends.partition_point(|end| *end < at) + 1
        });
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let Seen { when, confidence, .. } = *seen;
        LocalHit { rule, when, confidence, line, evidence: seen.what.clone() }
    }
}

impl CallTest {
    fn holds(&self, call: &Call<'_>) -> bool {
        (self.names.is_empty() || self.names.names(&call.path))
            && (self.to.is_empty() || call.effects.any(self.to))
            && (self.from.is_empty() || call.taint.any(self.from))
            && self.argument.as_ref().is_none_or(|test| {
                let values = call.arguments.iter().map(|argument| &argument.value);
                values.flat_map(|value| std::iter::once(value).chain(value.items())).any(|value| test.holds(value))
            })
    }
}

impl ArgumentTest {
    fn holds(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Equals(text) => value.as_text() == Some(text),
            Self::Contains(text) => value.as_prefix().is_some_and(|value| value.contains(text.as_str())),
            Self::Matches(regex) => value.as_prefix().is_some_and(|value| regex.is_match(value.as_bytes())),
        }
    }
}

fn some(seen: Vec<Seen>) -> Option<Vec<Seen>> {
    (!seen.is_empty()).then_some(seen)
}

fn whole_file(what: String) -> Seen {
    Seen { at: None, when: When::Load, confidence: Confidence::High, what: printable(&what, EVIDENCE) }
}

fn at_place(facts: &Facts<'_>, place: Place) -> Seen {
    let text = facts.text(place);
    let end = text.char_indices().nth(EVIDENCE * 2).map_or(text.len(), |(at, _)| at);
    let what = printable(&text[..end], EVIDENCE);
    Seen { at: Some(place.start as usize), when: facts.when(place), confidence: facts.confidence, what }
}
