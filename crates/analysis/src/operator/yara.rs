//! YARA rules, through boreal: in, rule files and bytes; out, hits with the string that matched.
//!
//! Includes are refused, and so is every module but `math` and `string`, which compute and nothing else. A scan is bounded
//! by the size of a file (the limit of all analysis) and, against rules that would never end, by ten seconds: what was
//! not finished then is disclosed as not read, never as clean.

use std::collections::HashMap;
use std::time::Duration;

use boreal::compiler::{Compiler, CompilerBuilder, CompilerParams};
use boreal::module::{Math, String_};
use boreal::scanner::{EvaluatedRule, ScanParams};
use boreal::{MetadataValue, Scanner};
use sigma_core::{Category, Confidence, Severity, printable};

use super::{Local, LocalHit, LocalRule, PREFIX, RuleProblem, Scope, entry, line_of, place, shown};
use crate::facts::When;
use crate::rules::catalogue::{RuleEntry, severity};

/// Time for one file, only to end what would never end: ordinary rules read hundreds of megabytes in it.
const TIME: Duration = Duration::from_secs(10);
/// Strings of one rule.
const MAX_STRINGS: usize = 1_000;
/// Matches of one rule that are told of one file.
const TOLD: usize = 5;
/// Bytes of a match that are looked at for evidence.
const MATCH: usize = 256;

/// Compiled YARA rules.
#[derive(Debug)]
pub(super) struct Yara {
    scanner: Scanner,
    /// Name of a rule, and its index among the operator's rules.
    rules: HashMap<String, usize>,
}

/// A YARA rule as the operator described it.
pub(super) struct Described {
    pub local: LocalRule,
    pub entry: RuleEntry,
    pub at: RuleProblem,
}

/// YARA files while they are compiled.
pub(super) struct Compilation {
    compiler: Compiler,
    files: Vec<(String, String)>,
}

impl Compilation {
    pub fn new() -> Self {
        let mut compiler = CompilerBuilder::default().add_module(Math).add_module(String_).build();
        compiler.set_params(CompilerParams::default().disable_includes(true).max_strings_per_rule(MAX_STRINGS));
        Self { compiler, files: Vec::new() }
    }

    /// Adds a file, whose rules have a namespace of their own.
    pub fn add(&mut self, file: &str, text: &str, problems: &mut Vec<RuleProblem>) {
        if let Err(error) = self.compiler.add_rules_str_in_namespace(text, file) {
            problems.push(problem(file, &error.to_string()));
        }
        self.files.push((file.to_owned(), text.to_owned()));
    }

    /// Ends: the scanner, and the rules in its order; the first has the index `base`. Nothing without rules.
    pub fn finish(self, base: usize, problems: &mut Vec<RuleProblem>) -> (Option<Yara>, Vec<Described>) {
        if self.files.is_empty() {
            return (None, Vec::new());
        }
        let mut scanner = self.compiler.finalize();
        // Every match of a rule, so that evidence does not depend on how the condition was evaluated.
        let params = ScanParams::default().compute_full_matches(true).match_max_length(MATCH);
        scanner.set_scan_params(params.timeout_duration(Some(TIME)));
        let mut described = Vec::new();
        let mut rules = HashMap::new();
        for rule in scanner.rules().filter(|rule| !rule.is_private) {
            let text = self.files.iter().find(|(file, _)| file == rule.namespace).map_or("", |(_, text)| text);
            let at = place(rule.namespace, text, declared_at(text, rule.name));
            let meta = |names: &[&str]| {
                let found = rule.metadatas.iter().find(|meta| names.contains(&scanner.get_string_symbol(meta.name)))?;
                match found.value {
                    MetadataValue::Bytes(bytes) => {
                        Some(String::from_utf8_lossy(scanner.get_bytes_symbol(bytes)).into_owned())
                    }
                    MetadataValue::Integer(_) | MetadataValue::Boolean(_) => None,
                }
            };
            let (severity, category) = weigh(meta(&["severity"]), meta(&["category"]), &at, problems);
            let sentence = meta(&["message", "description"])
                .unwrap_or_else(|| format!("Matches the YARA rule {} of the operator.", rule.name));
            let reference = meta(&["reference"]).map_or(String::new(), |reference| format!(" See {reference}."));
            let local = LocalRule {
                id: format!("{PREFIX}{}", rule.name),
                category,
                severity,
                confidence: Confidence::High,
                message: shown(&format!("{sentence}{reference}")),
                scope: Scope::default(),
            };
            let (why, quiet) = (meta(&["why"]).unwrap_or_default(), meta(&["false_positives"]).unwrap_or_default());
            let entry = entry(&local, rule.namespace, &why, &quiet, "");
            rules.insert(rule.name.to_owned(), base + described.len());
            described.push(Described { local, entry, at });
        }
        (Some(Yara { scanner, rules }), described)
    }
}

impl Yara {
    /// Scans bytes.
    pub fn scan(&self, bytes: &[u8], local: &mut Local) {
        let result = match self.scanner.scan_mem(bytes) {
            Ok(result) => result,
            Err((error, partial)) => {
                local.unread = Some(format!("the operator's YARA rules did not end: {error} after {TIME:?}"));
                partial
            }
        };
        for rule in &result.rules {
            let Some(index) = self.rules.get(rule.name) else { continue };
            let before = local.hits.len();
            for (line, evidence) in evidence(bytes, rule) {
                local.push(hit(*index, line, evidence));
            }
            if local.hits.len() == before && !local.hits.iter().any(|hit| hit.rule == *index) {
                local.push(hit(*index, 0, String::new()));
            }
        }
    }
}

fn hit(rule: usize, line: u32, evidence: String) -> LocalHit {
    LocalHit { rule, when: When::Load, function: 0, confidence: Confidence::High, line, evidence }
}

/// The first matches, in order of place: the line where the bytes are text, otherwise the offset.
fn evidence(bytes: &[u8], rule: &EvaluatedRule<'_>) -> Vec<(u32, String)> {
    let text = !bytes[..bytes.len().min(4096)].contains(&0);
    let mut matches: Vec<(usize, &str, &[u8])> = rule
        .matches
        .iter()
        .flat_map(|string| string.matches.iter().map(|one| (one.offset, string.name, &*one.data)))
        .collect();
    matches.sort_unstable();
    let told = matches.into_iter().take(TOLD).map(|(offset, name, data)| {
        let seen = printable(&String::from_utf8_lossy(data), 120);
        match text {
            true => (u32::try_from(line_of(bytes, offset)).unwrap_or(u32::MAX), format!("${name}: {seen}")),
            false => (0, format!("${name} at byte {offset}: {seen}")),
        }
    });
    told.collect()
}

fn weigh(
    word: Option<String>,
    kind: Option<String>,
    at: &RuleProblem,
    problems: &mut Vec<RuleProblem>,
) -> (Severity, Category) {
    let weight = word.as_deref().map_or(Some(Severity::Medium), |word| severity(&word.to_ascii_lowercase()));
    if weight.is_none() {
        let message = "meta severity: expected info, low, medium, high or critical".to_owned();
        problems.push(RuleProblem { message, ..at.clone() });
    }
    let category = kind.as_deref().map_or(Some(Category::DynamicCode), super::document::category);
    if category.is_none() {
        let message = format!("meta category: expected one of {}", super::document::CATEGORIES.join(", "));
        problems.push(RuleProblem { message, ..at.clone() });
    }
    (weight.unwrap_or(Severity::Medium), category.unwrap_or(Category::DynamicCode))
}

/// Where a rule is declared; the beginning of the file if the text hides it.
fn declared_at(text: &str, name: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let found = text.match_indices(name).find(|(at, _)| {
        let before = text[..*at].trim_end();
        before.len() < *at && before.ends_with("rule") && !text[at + name.len()..].starts_with(word)
    });
    found.map_or(0, |(at, _)| at)
}

/// The compiler says `mem:line:column: error: what`.
fn problem(file: &str, error: &str) -> RuleProblem {
    let mut parts = error.splitn(4, ':').map(str::trim);
    let (_, line, column) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok());
    match (number(line), number(column), parts.next()) {
        (Some(line), Some(column), Some(what)) => {
            let what = printable(what.trim_start_matches("error:").trim(), 400);
            let message = match what.as_str() {
                "includes are not allowed" => format!("{what}; put the rules into this folder instead"),
                other if other.starts_with("unknown import") => format!("{what}; expected math or string"),
                _ => what,
            };
            RuleProblem { file: file.to_owned(), line, column, message }
        }
        _ => RuleProblem { file: file.to_owned(), line: 0, column: 0, message: printable(error, 400) },
    }
}
