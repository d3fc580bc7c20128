//! Declarative rules: in, a TOML file; out, rules with their conditions and examples, or what is wrong with them.

use regex::bytes::{Regex, RegexBuilder};
use sigma_core::{Category, Confidence};
use toml::Spanned;

use super::document::{Argument, CATEGORIES, Document, EFFECTS, Node, Rule, TAINTS, Words, category};
use super::matcher::{ArgumentTest, CallTest, Condition};
use super::pattern::Patterns;
use super::{LocalRule, PREFIX, RuleProblem, Scope, entry, place, shown};
use crate::facts::{Effects, Taint};
use crate::rules::catalogue::RuleEntry;

/// Parts of one condition, its own parts included.
const MAX_PARTS: usize = 64;
/// Bytes of a text or a regular expression.
const MAX_TEXT: usize = 1024;
/// Shortest text that may be looked for: shorter ones stand everywhere.
const MIN_TEXT: usize = 4;
/// Bytes that a compiled regular expression may take.
const MAX_REGEX: usize = 1 << 20;

/// A rule as it was read.
pub(super) struct Declared {
    pub local: LocalRule,
    pub condition: Condition,
    pub examples: Vec<Example>,
    pub entry: RuleEntry,
    /// Where it stands.
    pub at: RuleProblem,
}

/// A piece of code that the rule must or must not report.
pub(super) struct Example {
    pub path: String,
    pub text: String,
    pub hit: bool,
    pub at: RuleProblem,
}

/// Reads a file. What is wrong goes to `problems`; the rules that are right are answered all the same.
pub(super) fn read(file: &str, text: &str, problems: &mut Vec<RuleProblem>) -> Vec<Declared> {
    let document: Document = match toml::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let at = place(file, text, error.span().map_or(0, |span| span.start));
            problems.push(RuleProblem { message: error.message().trim().to_owned(), ..at });
            return Vec::new();
        }
    };
    let mut reader = Reader { file, text, problems, parts: 0 };
    if document.rule.is_empty() {
        reader.problem(0, "no rules; expected at least one [[rule]]");
    }
    document.rule.into_iter().filter_map(|rule| reader.rule(rule)).collect()
}

struct Reader<'r> {
    file: &'r str,
    text: &'r str,
    problems: &'r mut Vec<RuleProblem>,
    parts: usize,
}

impl Reader<'_> {
    fn problem(&mut self, offset: usize, message: impl Into<String>) {
        let at = place(self.file, self.text, offset);
        self.problems.push(RuleProblem { message: message.into(), ..at });
    }

    fn rule(&mut self, rule: Spanned<Rule>) -> Option<Declared> {
        let start = rule.span().start;
        let before = self.problems.len();
        let rule = rule.into_inner();
        let id = rule.id.get_ref().clone();
        if !is_id(&id) {
            let message = format!("got the id {id:?}, expected lower-case letters, digits and hyphens, at most 64");
            self.problem(rule.id.span().start, message);
        }
        let id = format!("{PREFIX}{id}");
        if rule.message.get_ref().trim().is_empty() {
            self.problem(rule.message.span().start, format!("{id}: the message is empty; say what a finding means"));
        }
        let category = category(rule.category.get_ref());
        if category.is_none() {
            let (got, expected) = (rule.category.get_ref(), CATEGORIES.join(", "));
            self.problem(rule.category.span().start, format!("category: got {got:?}, expected one of {expected}"));
        }
        self.parts = 0;
        let condition = self.condition(rule.condition);
        for (name, list) in [("hit", &rule.hit), ("miss", &rule.miss)] {
            if list.is_empty() {
                self.problem(start, format!("{id} has no {name} example; add [[rule.{name}]] with path and text"));
            }
        }
        let example = rule.hit.first().map(|sample| sample.get_ref().text.clone()).unwrap_or_default();
        let examples = [(rule.hit, true), (rule.miss, false)].into_iter().flat_map(|(list, hit)| {
            list.into_iter().map(move |sample| (sample.span().start, sample.into_inner(), hit))
        });
        let examples = examples
            .map(|(start, sample, hit)| {
                let at = place(self.file, self.text, start);
                Example { path: sample.path, text: sample.text, hit, at }
            })
            .collect();
        let patterns = |words: Option<Words>| Patterns::new(words.map_or(Vec::new(), |words| words.0));
        let local = LocalRule {
            id,
            category: category.unwrap_or(Category::DynamicCode),
            severity: rule.severity.into(),
            confidence: Confidence::High,
            message: shown(rule.message.get_ref()),
            scope: Scope {
                paths: patterns(rule.paths),
                exclude: patterns(rule.exclude),
                reach: rule.reach,
                ecosystem: rule.ecosystem,
            },
        };
        let entry = entry(&local, self.file, &rule.why, &rule.false_positives, &example);
        let at = place(self.file, self.text, start);
        let condition = condition.filter(|_| self.problems.len() == before)?;
        Some(Declared { local, condition, examples, entry, at })
    }

    fn condition(&mut self, node: Spanned<Node>) -> Option<Condition> {
        let at = node.span().start;
        self.parts += 1;
        if self.parts > MAX_PARTS {
            if self.parts == MAX_PARTS + 1 {
                self.problem(at, format!("more than {MAX_PARTS} conditions; split the rule"));
            }
            return None;
        }
        let node = node.into_inner();
        let is_call = node.call.is_some() || node.to.is_some() || node.from.is_some();
        let kinds = [
            ("all", node.all.is_some()),
            ("any", node.any.is_some()),
            ("not", node.not.is_some()),
            ("call", is_call),
            ("import", node.import.is_some()),
            ("host", node.host.is_some()),
            ("environment", node.environment.is_some()),
            ("text", node.text.is_some()),
            ("regex", node.regex.is_some()),
        ];
        let given: Vec<&str> = kinds.iter().filter(|(_, given)| *given).map(|(kind, _)| *kind).collect();
        if given.len() != 1 {
            let got = if given.is_empty() { "nothing".to_owned() } else { given.join(" and ") };
            let message = format!(
                "got {got}, expected exactly one of all, any, not, call (with to, from, argument), import, host, \
                 environment, text, regex; combine them with all or any"
            );
            self.problem(at, message);
            return None;
        }
        if node.argument.is_some() && !is_call {
            self.problem(at, "argument belongs to call, to or from");
            return None;
        }
        if let Some(parts) = node.all {
            return self.conditions(parts, at).map(Condition::All);
        }
        if let Some(parts) = node.any {
            return self.conditions(parts, at).map(Condition::Any);
        }
        if let Some(part) = node.not {
            return self.condition(*part).map(|part| Condition::Not(Box::new(part)));
        }
        if is_call {
            return self.call(at, node.call, node.to, node.from, node.argument).map(Condition::Call);
        }
        if let Some(words) = node.text {
            let texts: Option<Vec<_>> = words.0.into_iter().map(|text| self.literal(at, text)).collect();
            return self.any_of(at, texts?.into_iter().map(Condition::Text).collect());
        }
        if let Some(words) = node.regex {
            let regexes: Option<Vec<_>> = words.0.iter().map(|text| self.regex(at, text)).collect();
            return self.any_of(at, regexes?.into_iter().map(Condition::Regex).collect());
        }
        let (words, kind): (_, fn(Patterns) -> Condition) = match (node.import, node.host, node.environment) {
            (Some(words), _, _) => (words, Condition::Import),
            (_, Some(words), _) => (words, Condition::Host),
            (_, _, Some(words)) => (words, Condition::Environment),
            _ => return None,
        };
        self.names(at, words).map(kind)
    }

    fn conditions(&mut self, parts: Vec<Spanned<Node>>, at: usize) -> Option<Vec<Condition>> {
        if parts.is_empty() {
            self.problem(at, "got an empty list, expected conditions");
            return None;
        }
        // All of them are read, so that every problem is told at once.
        let read: Vec<_> = parts.into_iter().map(|part| self.condition(part)).collect();
        read.into_iter().collect()
    }

    fn any_of(&mut self, at: usize, mut parts: Vec<Condition>) -> Option<Condition> {
        match parts.len() {
            0 => {
                self.problem(at, "got an empty list, expected texts");
                None
            }
            1 => parts.pop(),
            _ => Some(Condition::Any(parts)),
        }
    }

    fn call(
        &mut self,
        at: usize,
        names: Option<Words>,
        to: Option<Words>,
        from: Option<Words>,
        argument: Option<Spanned<Argument>>,
    ) -> Option<CallTest> {
        let mut test = CallTest::default();
        if let Some(names) = names {
            test.names = self.names(at, names)?;
        }
        for word in to.map_or(Vec::new(), |words| words.0) {
            let Some(effect) = Effects::of_word(&word) else {
                self.problem(at, format!("to: got {word:?}, expected one of {}", EFFECTS.join(", ")));
                return None;
            };
            test.to |= effect;
        }
        for word in from.map_or(Vec::new(), |words| words.0) {
            let Some(taint) = Taint::of_word(&word) else {
                self.problem(at, format!("from: got {word:?}, expected one of {}", TAINTS.join(", ")));
                return None;
            };
            test.from |= taint;
        }
        if let Some(argument) = argument {
            let at = argument.span().start;
            test.argument = Some(match argument.into_inner() {
                Argument { equals: Some(text), contains: None, regex: None } => ArgumentTest::Equals(text),
                Argument { equals: None, contains: Some(text), regex: None } if !text.is_empty() => {
                    ArgumentTest::Contains(text)
                }
                Argument { equals: None, contains: None, regex: Some(text) } => {
                    ArgumentTest::Matches(self.regex(at, &text)?)
                }
                _ => {
                    self.problem(at, "expected exactly one of equals, contains, regex, and no empty text");
                    return None;
                }
            });
        }
        Some(test)
    }

    fn names(&mut self, at: usize, words: Words) -> Option<Patterns> {
        let empty = |word: &String| word.trim_matches(['*', '?', '.']).is_empty() || word.len() > MAX_TEXT;
        if words.0.is_empty() || words.0.iter().any(empty) {
            self.problem(at, "expected names, with * for any part of them; a name of stars alone matches everything");
            return None;
        }
        Some(Patterns::new(words.0))
    }

    fn literal(&mut self, at: usize, text: String) -> Option<String> {
        if !(MIN_TEXT..=MAX_TEXT).contains(&text.len()) {
            self.problem(at, format!("got a text of {} bytes, expected {MIN_TEXT} to {MAX_TEXT}", text.len()));
            return None;
        }
        Some(text)
    }

    /// A regular expression over bytes. It runs in time linear in the text; Unicode classes, which are slow on text that
    /// is not ASCII, are off and cannot be turned on.
    fn regex(&mut self, at: usize, text: &str) -> Option<Regex> {
        if text.is_empty() || text.len() > MAX_TEXT {
            self.problem(at, format!("got a regex of {} bytes, expected 1 to {MAX_TEXT}", text.len()));
            return None;
        }
        if turns_unicode_on(text) {
            self.problem(at, "regex: the flag u is not allowed; write classes such as [a-z] out");
            return None;
        }
        match RegexBuilder::new(text).unicode(false).size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX).build() {
            Ok(regex) if regex.is_match(b"") => {
                self.problem(at, "regex: it matches the empty text, and so every file");
                None
            }
            Ok(regex) => Some(regex),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.problem(at, format!("regex: {last}"));
                None
            }
        }
    }
}

/// True for `(?u)`, `(?iu:` and the like; `(?-u)` is allowed.
fn turns_unicode_on(regex: &str) -> bool {
    regex.match_indices("(?").any(|(at, _)| {
        let flags: String = regex[at + 2..].chars().take_while(|c| c.is_ascii_alphabetic() || *c == '-').collect();
        let named = matches!(regex[at + 2..].chars().next(), Some('P' | '<'));
        !named && flags.split('-').next().is_some_and(|on| on.contains('u'))
    })
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !id.starts_with('-')
        && !id.ends_with('-')
}
