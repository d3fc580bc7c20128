//! Checks a configuration value by value.
//!
//! In: the file, the environment, the command line. Out: what holds of every setting and where it comes from, and everything that
//! is wrong, with file and line. Every setting is judged on its own, so that one mistake does not hide the next; passwords are
//! never shown.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde_json::Value;
use sigma_core::printable;
use toml_edit::{Document, Item, TableLike};
use url::Url;

use super::{Config, file_of, join, leaves, variables};

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Every setting, in order.
    pub settings: Vec<Setting>,
    /// What is wrong, each in a line.
    pub problems: Vec<String>,
}

/// One setting as it holds.
#[derive(Debug)]
pub struct Setting {
    /// Its key, such as `server.burst`.
    pub key: String,
    /// Its value, as TOML would have it.
    pub value: String,
    /// Where it comes from.
    pub source: String,
}

/// Variables that are no settings, but ours all the same.
const OTHERS: [&str; 9] = [
    "SIGMA_CONFIG",
    "SIGMA_STORE",
    "SIGMA_DATABASE_URL",
    "SIGMA_RULES",
    "SIGMA_WAIVERS",
    "SIGMA_LISTEN",
    "SIGMA_LOG",
    "SIGMA_LOG_FORMAT",
    "SIGMA_OPERATOR",
];

/// Variables that clap reads, with the setting that each of them is.
const FLAG_VARIABLES: [(&str, &str); 3] =
    [("store", "SIGMA_STORE"), ("database_url", "SIGMA_DATABASE_URL"), ("analysis.rules", "SIGMA_RULES")];

/// Checks. `flags` are settings of the command line: key, flag, and what it holds, if it was given.
///
/// # Errors
/// When the file that was named is not there, or cannot be read.
pub fn check(named: Option<&Path>, flags: &[(&str, &str, Option<String>)]) -> Result<Checked> {
    let defaults = Config::defaults()?;
    let known = leaves(&serde_json::to_value(&defaults).context("defaults")?);
    let mut checked = Checked::default();
    let mut values: BTreeMap<String, (Value, String)> =
        known.iter().map(|(key, value)| (key.clone(), (value.clone(), "default".to_owned()))).collect();
    let file = file_of(named)?;
    if file.is_file() {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.display().to_string();
        for (key, value, line) in read(&text, &name, &known, &mut checked.problems) {
            let place = format!("{name}:{line}");
            match wrong(&defaults, &key, &value) {
                Some(why) => checked.problems.push(format!("{place}: {key}: {why}")),
                None => drop(values.insert(key, (value, place))),
            }
        }
        // From the top of the file to its end, as somebody mends it.
        let line = |problem: &String| -> Option<usize> {
            problem.strip_prefix(&name)?.strip_prefix(':')?.split(':').next()?.parse().ok()
        };
        checked.problems.sort_by_key(line);
    }
    let variables = variables(&known);
    for (variable, key) in &variables {
        let name = variable.trim_start_matches("SIGMA_").to_lowercase();
        let env = Figment::from(Env::prefixed("SIGMA_").only(&[name.as_str()]));
        let Ok(value) = env.find_value(&name) else { continue };
        let value = serde_json::to_value(value).context("a variable")?;
        match wrong(&defaults, key, &value) {
            Some(why) => checked.problems.push(format!("{variable}: {why}")),
            None => drop(values.insert((*key).to_owned(), (value, variable.to_string()))),
        }
    }
    for (key, flag, value) in flags {
        let Some(value) = value else { continue };
        let of_variable = FLAG_VARIABLES
            .iter()
            .find(|(of, variable)| of == key && std::env::var(variable).is_ok_and(|text| text == *value));
        let source = of_variable.map_or(*flag, |(_, variable)| variable);
        values.insert((*key).to_owned(), (Value::from(value.as_str()), source.to_owned()));
    }
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        let ours = OTHERS.contains(&name.as_str()) || variables.iter().any(|(variable, _)| *variable == name);
        if name.starts_with("SIGMA_") && !name.starts_with("SIGMA_TEST_") && name != "SIGMA_COPY_TO" && !ours {
            let wanted = name.trim_start_matches("SIGMA_").replace("__", ".").to_lowercase();
            let near = nearest(&wanted, &known).map(|near| near.to_uppercase().replace('.', "__"));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `SIGMA_{near}`?"));
            checked.problems.push(format!("{}: no variable of sigma has this name{near}", printable(&name, 80)));
        }
    }
    checked.settings =
        values.into_iter().map(|(key, (value, source))| Setting { value: shown(&key, &value), key, source }).collect();
    // Settings of the top first, as a TOML file has to have them.
    checked.settings.sort_by_key(|setting| (setting.key.contains('.'), setting.key.clone()));
    Ok(checked)
}

impl Checked {
    /// The settings as a TOML file, each with its source.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut table = "";
        for setting in &self.settings {
            let (of, key) = setting.key.rsplit_once('.').unwrap_or(("", &setting.key));
            if of != table {
                text.push_str(&format!("\n[{of}]\n"));
                table = of;
            }
            match setting.value.as_str() {
                "" => text.push_str(&format!("# {key}  # not set\n")),
                value => text.push_str(&format!("{key} = {value}  # {}\n", setting.source)),
            }
        }
        text
    }
}

/// The settings of a file that are known, with their lines. What is not known, or cannot be read, becomes a problem.
fn read(
    text: &str,
    name: &str,
    known: &BTreeMap<String, Value>,
    problems: &mut Vec<String>,
) -> Vec<(String, Value, usize)> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, &span));
            problems.push(format!("{name}:{line}: {}", error.message().replace('\n', ", ")));
            return Vec::new();
        }
    };
    let values = Figment::from(Toml::string(text));
    let mut found = Vec::new();
    let mut open: Vec<(String, &dyn TableLike)> = vec![(String::new(), document.as_table())];
    while let Some((path, table)) = open.pop() {
        for (key, item) in table.iter() {
            let full = join(&path, key);
            let span = table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
            let line = span.map_or(1, |span| line_of(text, &span));
            let below = format!("{full}.");
            let section = known.keys().any(|one| one.starts_with(&below));
            match (item.as_table_like(), section) {
                (Some(inner), true) => open.push((full, inner)),
                (None, true) => problems.push(format!("{name}:{line}: {full}: expected a table, `[{full}]`")),
                (_, false) if known.contains_key(&full) && !matches!(item, Item::None) => {
                    let value = values.find_value(&full).ok().and_then(|value| serde_json::to_value(value).ok());
                    found.extend(value.map(|value| (full, value, line)));
                }
                (_, false) => {
                    let full = printable(&full, 120);
                    let near =
                        nearest(&full, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    problems.push(format!("{name}:{line}: unknown key `{full}`{near}"));
                }
            }
        }
    }
    found
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
}

/// The known key that looks most like this one, if any does.
fn nearest<'a>(key: &str, known: &'a BTreeMap<String, Value>) -> Option<&'a str> {
    let pairs = |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let of = pairs(key);
    // Dice's coefficient over pairs of letters: of a typo most pairs are left.
    let alike = |other: &str| {
        let other = pairs(other);
        let common = of.iter().filter(|pair| other.contains(pair)).count();
        200 * common / (of.len() + other.len()).max(1)
    };
    known.keys().map(|key| (alike(key), key.as_str())).max().filter(|(alike, _)| *alike >= 70).map(|(_, key)| key)
}

/// Why a setting cannot have a value, if it cannot: what it is, what is expected, and what holds without it.
fn wrong(defaults: &Config, key: &str, value: &Value) -> Option<String> {
    let figment = Figment::from(Serialized::defaults(defaults)).merge((key, value));
    let config: Config = match figment.extract() {
        Ok(config) => config,
        Err(error) => {
            // An address that cannot be read as one has no part of which it is known that it is no secret.
            let got = if SECRET.contains(&key) { "a value that is not shown".to_owned() } else { value.to_string() };
            let why = match &error.kind {
                Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
                    format!("got {got}, expected {}", in_words(expected))
                }
                Kind::UnknownVariant(_, expected) => format!("got {got}, expected one of {}", expected.join(", ")),
                kind => {
                    let text = kind.to_string();
                    // Some say again what was got.
                    format!("got {got}: {}", text.strip_suffix(&format!(": {value}")).unwrap_or(&text))
                }
            };
            return Some(printable(&format!("{why}{}", unless_set(defaults, key)), 300));
        }
    };
    let nothing = [
        ("server.max_connections", config.server.max_connections == 0),
        ("server.max_body_bytes", config.server.max_body_bytes == 0),
        ("server.processes", config.server.processes == 0),
        ("server.request_seconds", config.server.request_seconds == 0),
        ("worker.jobs", config.worker.jobs == 0),
        ("worker.lease_seconds", config.worker.lease_seconds == 0),
        ("ledger.witness_seconds", config.ledger.witness_seconds == 0),
        ("chain.batch", config.chain.batch == 0),
        ("chain.interval_seconds", config.chain.interval_seconds == 0),
        ("chain.max_fee_gwei", config.chain.max_fee_gwei == 0),
    ];
    nothing.contains(&(key, true)).then(|| format!("got 0, expected at least 1{}", unless_set(defaults, key)))
}

/// Settings that may hold a secret.
const SECRET: [&str; 2] = ["database_url", "chain.node"];

/// What a setting is where nobody sets it.
fn unless_set(defaults: &Config, key: &str) -> String {
    let default = Figment::from(Serialized::defaults(defaults)).find_value(key).ok();
    let default = default.and_then(|value| serde_json::to_value(value).ok()).filter(|value| !value.is_null());
    default.map_or_else(String::new, |default| format!("; the default is {default}"))
}

/// What the libraries expect, as somebody would say it who writes no Rust.
fn in_words(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "path string" => "a text in quotes".to_owned(),
        "a sequence" => "a list in square brackets".to_owned(),
        other => other.to_owned(),
    }
}

/// A value as TOML writes it, without what is secret; nothing where there is none.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let text = match Url::parse(text) {
                Ok(url) if url.password().is_some() => redacted(url),
                // Nodes for hire have their key in the path.
                Ok(url) if key == "chain.node" => format!("{} and what follows", url.origin().ascii_serialization()),
                Ok(_) => text.clone(),
                Err(_) if key == "database_url" => "(set, and not shown)".to_owned(),
                Err(_) => text.clone(),
            };
            toml_edit::Value::from(text).to_string()
        }
        other => other.to_string(),
    }
}

fn redacted(mut url: Url) -> String {
    // A URL that has a password can be given another one.
    let _ = url.set_password(Some("***"));
    url.to_string()
}

#[cfg(test)]
mod tests;
