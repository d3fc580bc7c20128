//! What operators may write: the shape of a file of declarative rules, and the words that have a meaning in it.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use sigma_core::{Category, Ecosystem, Reach, Severity};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    pub rule: Vec<Spanned<Rule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rule {
    pub id: Spanned<String>,
    pub severity: Word,
    pub category: Spanned<String>,
    pub message: Spanned<String>,
    #[serde(default)]
    pub why: String,
    #[serde(default)]
    pub false_positives: String,
    #[serde(default)]
    pub paths: Option<Words>,
    #[serde(default)]
    pub exclude: Option<Words>,
    #[serde(default)]
    pub reach: Vec<Reach>,
    #[serde(default)]
    pub ecosystem: Option<Ecosystem>,
    #[serde(rename = "match")]
    pub condition: Spanned<Node>,
    #[serde(default)]
    pub hit: Vec<Spanned<Sample>>,
    #[serde(default)]
    pub miss: Vec<Spanned<Sample>>,
}

/// A severity as operators write it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<Word> for Severity {
    fn from(word: Word) -> Self {
        match word {
            Word::Info => Self::Info,
            Word::Low => Self::Low,
            Word::Medium => Self::Medium,
            Word::High => Self::High,
            Word::Critical => Self::Critical,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    pub path: String,
    pub text: String,
}

/// One condition: exactly one kind of the fields below, those of a call together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub all: Option<Vec<Spanned<Node>>>,
    pub any: Option<Vec<Spanned<Node>>>,
    pub not: Option<Box<Spanned<Node>>>,
    pub call: Option<Words>,
    pub to: Option<Words>,
    pub from: Option<Words>,
    pub argument: Option<Spanned<Argument>>,
    pub import: Option<Words>,
    pub host: Option<Words>,
    pub environment: Option<Words>,
    pub text: Option<Words>,
    pub regex: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argument {
    pub equals: Option<String>,
    pub contains: Option<String>,
    pub regex: Option<String>,
}

/// One word or a list of them.
pub(super) struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;
        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }
        deserializer.deserialize_any(WordsVisitor)
    }
}

/// The categories that a rule may have: those that the council judges.
pub(super) const CATEGORIES: [&str; 12] = [
    "process",
    "credential",
    "network",
    "filesystem",
    "secret",
    "dynamic-code",
    "obfuscation",
    "install-hook",
    "binary",
    "archive",
    "identity",
    "integrity",
];

/// The category of a word.
pub(super) fn category(word: &str) -> Option<Category> {
    let known = CATEGORIES.contains(&word);
    let word = de::value::StrDeserializer::<de::value::Error>::new(word);
    known.then(|| Category::deserialize(word).ok()).flatten()
}

/// The words of `to`; the test `words_are_those_of_the_facts` keeps them right.
pub(super) const EFFECTS: [&str; 21] = [
    "spawn",
    "shell",
    "eval",
    "deserialise",
    "native",
    "net",
    "listen",
    "read",
    "write",
    "delete",
    "chmod",
    "decode",
    "env-all",
    "env",
    "credential",
    "host-info",
    "runs",
    "download",
    "import",
    "open",
    "dup",
];

/// The words of `from`.
pub(super) const TAINTS: [&str; 15] = [
    "env",
    "secret",
    "env-all",
    "credential-path",
    "credential",
    "persistence-path",
    "decoded",
    "remote",
    "file",
    "host-info",
    "exfil-host",
    "raw-ip",
    "socket",
    "downloaded",
    "watched",
];
