//! The operator's own rules: files in, findings beside the built-in ones out.
//!
//! In: the text of rule files, declarative (`*.toml`) or YARA (`*.yar`, `*.yara`), that whoever runs the engine wrote;
//! then the same bytes and facts that built-in rules see. Out: hits under ids that begin with `local/`. A set is either
//! loaded whole, every rule checked against its own examples, or refused with every problem named by file, line and
//! column. It never changes what built-in rules say, never reads a file itself, and its hash is part of the ruleset's
//! name, so that a report tells under which rules it was made.

mod declared;
mod document;
mod example;
mod matcher;
mod pattern;
pub(crate) mod watch;
mod yara;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use sigma_core::{Category, Confidence, DistributionKind, Ecosystem, Reach, Severity, Sha256, printable};

use crate::facts::{Facts, When};
use crate::rules::RULES;
use crate::rules::catalogue::RuleEntry;
use matcher::Matcher;
use pattern::Patterns;
use watch::Watch;
use yara::Yara;

/// Files of one set: more than any operator keeps in one folder.
const MAX_FILES: usize = 500;
/// Bytes of one file: 1 MiB.
const MAX_FILE: usize = 1 << 20;
/// Rules of one set, both formats together.
const MAX_RULES: usize = 5_000;
/// Problems that are told at once.
const MAX_PROBLEMS: usize = 50;
/// Hits of one rule that are kept of one file.
const MAX_HITS: usize = 40;

/// A rule file as it was read from disk.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its path as the operator knows it; the ending decides the format.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleProblem {
    /// The file.
    pub file: String,
    /// Line, counted from 1; 0 for the whole file.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, what was expected, and what to do.
    pub message: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

/// Why a set of rules was refused: everything that is wrong with it, in order of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblems(pub Vec<RuleProblem>);

impl fmt::Display for RuleProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the operator's rules were not loaded, {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for RuleProblems {}

/// What a rule says of its hits, whatever its format.
#[derive(Debug)]
struct LocalRule {
    id: String,
    category: Category,
    severity: Severity,
    confidence: Confidence,
    message: String,
    scope: Scope,
}

/// Where in a distribution a rule applies. What a file holds is judged once for all places; this is judged for each.
#[derive(Debug, Default)]
struct Scope {
    paths: Patterns,
    exclude: Patterns,
    reach: Vec<Reach>,
    ecosystem: Option<Ecosystem>,
}

impl Scope {
    fn holds(&self, kind: DistributionKind, inner: &str, reach: Reach) -> bool {
        self.ecosystem.is_none_or(|only| only == kind.ecosystem())
            && (self.reach.is_empty() || self.reach.contains(&reach))
            && (self.paths.is_empty() || self.paths.matches(inner))
            && !self.exclude.matches(inner)
    }
}

/// A set of operator's rules, checked and compiled. The empty set costs nothing.
#[derive(Debug, Default)]
pub struct OperatorRules {
    rules: Vec<LocalRule>,
    matcher: Matcher,
    yara: Option<Yara>,
    watch: Option<Arc<Watch>>,
    entries: Vec<RuleEntry>,
    hash: Option<Sha256>,
}

impl OperatorRules {
    /// Checks and compiles a set. The order of `files` does not matter.
    ///
    /// # Errors
    /// Everything that is wrong with it, at most 50 problems.
    pub fn load(mut files: Vec<RuleFile>) -> Result<Self, RuleProblems> {
        if files.is_empty() {
            return Ok(Self::default());
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut problems = Vec::new();
        if files.len() > MAX_FILES {
            let message = format!("the folder holds {} rule files, the limit is {MAX_FILES}", files.len());
            return Err(RuleProblems(vec![RuleProblem { file: String::new(), line: 0, column: 0, message }]));
        }
        let mut set = Self { hash: Some(hash(&files)), ..Self::default() };
        let (mut declared, mut yara) = (Vec::new(), yara::Compilation::new());
        for file in &files {
            let whole = |message: String| RuleProblem { file: file.name.clone(), line: 0, column: 0, message };
            let text = match std::str::from_utf8(&file.bytes) {
                _ if file.bytes.len() > MAX_FILE => {
                    problems.push(whole(format!("{} bytes, the limit is {MAX_FILE}; split it", file.bytes.len())));
                    continue;
                }
                Ok(text) => text,
                Err(error) => {
                    problems.push(whole(format!("not UTF-8 after {} bytes; save it as UTF-8", error.valid_up_to())));
                    continue;
                }
            };
            if file.name.ends_with(".toml") {
                declared.extend(declared::read(&file.name, text, &mut problems));
            } else {
                yara.add(&file.name, text, &mut problems);
            }
        }
        let mut names = BTreeSet::new();
        let mut watch = Watch::default();
        for rule in &declared {
            watch.add(&rule.condition);
        }
        let mut conditions = Vec::new();
        let mut examples = Vec::new();
        for rule in declared {
            set.take(rule.local, rule.entry, &rule.at, &mut names, &mut problems);
            conditions.push(rule.condition);
            examples.push((rule.at, rule.examples));
        }
        set.matcher = Matcher::new(conditions);
        set.watch = (!watch.is_empty()).then(|| Arc::new(watch));
        let (yara, rules) = yara.finish(set.rules.len(), &mut problems);
        for rule in rules {
            set.take(rule.local, rule.entry, &rule.at, &mut names, &mut problems);
        }
        set.yara = yara;
        if set.rules.len() > MAX_RULES {
            let message = format!("{} rules, the limit is {MAX_RULES}", set.rules.len());
            problems.push(RuleProblem { file: files[0].name.clone(), line: 0, column: 0, message });
        }
        if problems.is_empty() {
            problems = example::check(&mut set, examples);
        }
        problems.sort();
        problems.dedup();
        problems.truncate(MAX_PROBLEMS);
        if problems.is_empty() { Ok(set) } else { Err(RuleProblems(problems)) }
    }

    /// The rules, by category and id, as [`crate::catalogue`] tells the built-in ones.
    pub fn entries(&self) -> &[RuleEntry] {
        &self.entries
    }

    /// The name of the ruleset: the built-in version, and a short hash of this set where it is not empty.
    pub fn ruleset(&self, built_in: &str) -> String {
        match self.hash {
            Some(hash) => format!("{built_in}+local.{}", &hash.to_string()[..8]),
            None => built_in.to_owned(),
        }
    }

    fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn take(
        &mut self,
        rule: LocalRule,
        entry: RuleEntry,
        at: &RuleProblem,
        names: &mut BTreeSet<String>,
        problems: &mut Vec<RuleProblem>,
    ) {
        let bare = rule.id.trim_start_matches(PREFIX).replace('_', "-");
        if RULES.iter().any(|built_in| built_in.id == bare) {
            let message = format!("{} has the name of a built-in rule; give it another", rule.id);
            problems.push(RuleProblem { message, ..at.clone() });
        }
        if !names.insert(rule.id.clone()) {
            problems
                .push(RuleProblem { message: format!("{} stands twice; give one another id", rule.id), ..at.clone() });
        }
        self.rules.push(rule);
        self.entries.push(entry);
    }

    /// Runs `read` so that calls which these rules name are noted even where the table of APIs does not know them.
    pub(crate) fn watching<T>(&self, read: impl FnOnce() -> T) -> T {
        match &self.watch {
            Some(watch) => watch::during(watch, read),
            None => read(),
        }
    }

    /// What the declarative rules say of a file: its text, and its facts where it is source.
    pub(crate) fn read(&self, text: &str, facts: Option<&Facts<'_>>) -> Local {
        let mut local = Local::default();
        if !self.is_empty() {
            self.matcher.run(text, facts, &self.rules, &mut local);
        }
        local
    }

    /// What the YARA rules say of a file: its bytes, and its text where that is not the same.
    pub(crate) fn scan(&self, bytes: &[u8], text: Option<&str>, local: &mut Local) {
        if let Some(yara) = &self.yara {
            yara.scan(bytes, local);
            if let Some(text) = text.filter(|text| text.as_bytes() != bytes) {
                yara.scan(text.as_bytes(), local);
            }
        }
    }

    /// True when files that hold no text are read too.
    pub(crate) fn wants_bytes(&self) -> bool {
        self.yara.is_some()
    }

    /// The finding that a hit makes in a file at `path` (`inner` inside the package), where it runs at `reach`; nothing where the rule does not apply there.
    pub(crate) fn finding(
        &self,
        hit: &LocalHit,
        kind: DistributionKind,
        path: &str,
        inner: &str,
        reach: Reach,
    ) -> Option<sigma_core::Finding> {
        let rule = self.rules.get(hit.rule)?;
        rule.scope.holds(kind, inner, reach).then(|| sigma_core::Finding {
            rule: rule.id.clone(),
            category: rule.category,
            capability: None,
            severity: rule.severity,
            confidence: rule.confidence.min(hit.confidence),
            reach,
            file: path.to_owned(),
            line: hit.line,
            evidence: hit.evidence.clone(),
            message: rule.message.clone(),
            reached: None,
        })
    }
}

/// What the ids of operators' rules begin with.
const PREFIX: &str = "local/";

/// What the operator's rules say of one file, whatever its place in the package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Local {
    /// Hits, at most [`MAX_HITS`] of a rule.
    pub hits: Vec<LocalHit>,
    /// Why YARA rules did not read the file to its end, where that is so.
    pub unread: Option<String>,
}

impl Local {
    fn push(&mut self, hit: LocalHit) {
        let same = self.hits.iter().filter(|other| other.rule == hit.rule);
        if same.count() < MAX_HITS && !self.hits.contains(&hit) {
            self.hits.push(hit);
        }
    }

    /// Takes over what was seen in a text that the file runs: `kind` says which, `at` in which line, when and in which
    /// function it does.
    pub(crate) fn absorb(&mut self, inner: Local, kind: &str, at: (u32, When, u32)) {
        let (line, when, function) = at;
        for hit in inner.hits {
            let evidence = printable(&format!("{kind}: {}", hit.evidence), 160);
            let function = if hit.when == When::Load { function } else { u32::MAX };
            self.push(LocalHit { line, evidence, function, when: hit.when.min(when), ..hit });
        }
        self.unread = self.unread.take().or(inner.unread);
    }
}

/// One hit of an operator's rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LocalHit {
    rule: usize,
    /// When the code runs, judged from the file.
    pub when: When,
    /// The function that it stands in; 0 is the module itself.
    pub function: u32,
    confidence: Confidence,
    line: u32,
    evidence: String,
}

/// The line of an offset, counted from 1.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[..offset.min(bytes.len())]).count() + 1
}

/// A place in a file, as a problem that has no words yet.
fn place(file: &str, text: &str, offset: usize) -> RuleProblem {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    RuleProblem { file: file.to_owned(), line: line_of(text.as_bytes(), offset), column, message: String::new() }
}

/// One hash over all files: name and content, each with its length, in order of name. The folder is not part of it.
fn hash(files: &[RuleFile]) -> Sha256 {
    let mut bytes = b"sigma-operator-rules/1".to_vec();
    let by_name: BTreeMap<&str, &RuleFile> = files.iter().map(|file| (file.name.as_str(), file)).collect();
    for (name, file) in by_name {
        for part in [name.rsplit(['/', '\\']).next().unwrap_or(name).as_bytes(), &file.bytes] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
    }
    Sha256::of(&bytes)
}

/// Text of a rule file as it stands in reports.
fn shown(text: &str) -> String {
    printable(text.trim(), 400)
}

/// The entry of an operator's rule for people.
fn entry(rule: &LocalRule, file: &str, why: &str, false_positives: &str, example: &str) -> RuleEntry {
    RuleEntry {
        id: rule.id.clone(),
        category: rule.category,
        capability: None,
        severities: vec![rule.severity],
        message: rule.message.clone(),
        why: shown(why),
        false_positives: shown(false_positives),
        example: example.to_owned(),
        origin: Some(file.to_owned()),
    }
}

#[cfg(test)]
mod tests;
