//! From the files of a distribution to its report.
//!
//! In: members, one at a time, in the archive's order. Out: [`DistributionReport`] and [`FileSet`]. What is kept of a
//! file is its outcome, never its bytes. Everything is sorted and bounded; the same members give the same report.

mod analysis_type;
mod binary;
mod cited;
mod link;
mod local;
pub(crate) mod manifest;
mod oddity;
mod outcome;
mod reach;

pub use analysis_type::analysis_type;
pub(crate) use outcome::{Memory, hosts};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sigma_core::{
    BinaryFile, Coverage, Digests, DistributionKind, DistributionReport, FileEntry, FileSet, Finding, PackageId, Reach,
    Sha256, SkipReason, Skipped, printable,
};

use crate::archive::Walk;
use crate::facts::When;
use crate::language::{is_declaration, language_of};
use crate::limits::Limits;
use crate::operator::OperatorRules;
use crate::rules::{Check, Hit, Hits, RULES, judge};
use manifest::Manifests;
use outcome::{Outcome, Reading};

/// Entries of `skipped` in a report.
const MAX_SKIPPED: usize = 200;
/// Findings of one rule that a distribution's report holds, the strongest ones; more are only counted.
pub const MAX_FINDINGS: usize = 40;
/// Hosts in a report.
const MAX_HOSTS: usize = 200;
/// Imports in a report.
const MAX_IMPORTS: usize = 500;
/// Install hooks in a report.
const MAX_HOOKS: usize = 200;
/// Characters of a path in a report.
const MAX_PATH: usize = 1024;

/// A file with something to say about it.
pub(crate) struct FileRecord {
    /// Printable path.
    pub path: String,
    /// Path inside the package.
    pub inner: String,
    /// What the rules say of it.
    pub outcome: Arc<Outcome>,
    /// When its module level runs.
    pub reach: Reach,
    /// Whether an npm script runs it.
    pub hooked: bool,
    /// When its functions run, where something reaches them.
    pub functions: HashMap<u32, Reach>,
}

impl FileRecord {
    /// When what a hit shows runs.
    fn reach_of(&self, when: When, function: u32) -> Reach {
        match (self.reach, when) {
            (Reach::Test, _) => Reach::Test,
            (reach, When::Load) => reach,
            (_, When::Call) => self.functions.get(&function).copied().unwrap_or(Reach::Call),
        }
    }
}

/// A distribution while and after its files are read.
pub(crate) struct Distribution<'a> {
    /// The package it was published as; nothing for bare files.
    pub package: Option<&'a PackageId>,
    /// Source and text files with findings or imports.
    pub files: Vec<FileRecord>,
    /// Native and compiled files.
    pub binaries: Vec<BinaryFile>,
    /// What the manifests say.
    pub manifests: Manifests,
    /// What is odd about the archive.
    pub oddities: Vec<oddity::Judged>,
    kind: DistributionKind,
    entries: Vec<FileEntry>,
    coverage: Coverage,
    /// What was read in another way than parsing, or not; the total counts beyond the list.
    skipped: Vec<Skipped>,
    skipped_total: u64,
    /// The operator's rules, and what they say of files that are not text.
    local: local::Locals<'a>,
}

/// One file of a distribution.
pub(crate) struct File<'a> {
    /// Path, printable.
    pub path: &'a str,
    /// Size of the whole.
    pub size: u64,
    /// Digest of the whole.
    pub sha256: Sha256,
    /// The bytes, or the first of them.
    pub bytes: &'a [u8],
    /// Whether `bytes` is all of it.
    pub whole: bool,
}

impl<'a> Distribution<'a> {
    /// Starts with no files.
    pub fn new(package: Option<&'a PackageId>, kind: DistributionKind, rules: &'a OperatorRules) -> Self {
        Self {
            package,
            files: Vec::new(),
            binaries: Vec::new(),
            manifests: Manifests::default(),
            oddities: Vec::new(),
            kind,
            entries: Vec::new(),
            coverage: Coverage::default(),
            skipped: Vec::new(),
            skipped_total: 0,
            local: local::Locals::new(rules),
        }
    }

    /// Reads one file.
    pub fn add(&mut self, file: &File<'_>, limits: &Limits, memory: &Memory) {
        self.entries.push(FileEntry { path: file.path.to_owned(), size: file.size, sha256: file.sha256 });
        let path = printable(file.path, MAX_PATH);
        let inner = reach::inner_path(self.kind, file.path).to_owned();
        if let Some(format) = binary::format(file.bytes, &inner) {
            self.scan_bytes(file, &path, &inner);
            let (size, sha256) = (file.size, file.sha256);
            self.binaries.push(BinaryFile { path, format: format.into(), size, sha256 });
            return;
        }
        self.manifests.read(self.kind, &path, &inner, file.bytes);
        let language = language_of(&inner, file.bytes);
        if language.is_some() {
            self.coverage.source_files += 1;
            self.coverage.source_bytes += file.size;
        }
        if !file.whole {
            self.scan_bytes(file, &path, &inner);
            let detail = format!("got {} bytes, the limit for one file is {}", file.size, limits.file_bytes);
            self.skip(path, SkipReason::TooLarge, detail);
            return;
        }
        if language.is_none() && !is_text(file.bytes) {
            self.scan_bytes(file, &path, &inner);
            return;
        }
        let setup = self.kind == DistributionKind::Sdist && inner == "setup.py";
        let reading = Reading { language, setup, quiet: is_declaration(&inner) };
        let outcome = memory
            .outcome(file.sha256, reading, || Outcome::of(file.bytes, reading, limits.syntax_depth, self.local.rules));
        if let Some(unread) = &outcome.local.unread {
            self.skip(path.clone(), SkipReason::OverBudget, unread.clone());
        }
        match (&outcome.not_parsed, language) {
            (Some(not_parsed), Some(_)) => {
                if not_parsed.reason != SkipReason::TooLarge {
                    self.coverage.token_scanned += 1;
                }
                self.skip(path.clone(), not_parsed.reason, not_parsed.detail.clone());
            }
            (None, Some(_)) => self.coverage.parsed += 1,
            (_, None) => {}
        }
        if language.is_some() || *outcome != Outcome::default() {
            self.files.push(FileRecord {
                path,
                inner,
                outcome,
                reach: Reach::Import,
                hooked: false,
                functions: HashMap::new(),
            });
        }
    }

    /// Notes that something was not read in full.
    pub fn skip(&mut self, path: String, reason: SkipReason, detail: String) {
        self.skipped_total += 1;
        // One reason that floods must not hide the others.
        let same = self.skipped.iter().filter(|skipped| skipped.reason == reason).count();
        if same < MAX_SKIPPED / 10 {
            self.skipped.push(Skipped { path, reason, detail });
        }
    }

    /// Takes over what the archive's reader tells beside the files. A file that broke off is in its list already.
    pub fn add_walk(&mut self, walk: Walk) {
        self.skipped_total += walk.skipped_total();
        self.skipped.extend(walk.skipped);
        self.oddities.extend(walk.oddities.into_iter().map(oddity::judge));
    }

    /// Ends: the rules that look at the whole, then everything in order.
    pub fn finish(mut self, filename: &str, digests: Digests) -> (DistributionReport, FileSet) {
        for (path, reason, detail) in std::mem::take(&mut self.manifests.unread) {
            self.skip(path, reason, detail);
        }
        self.settle_reach();
        let mut findings: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        let mut totals: BTreeMap<usize, u64> = BTreeMap::new();
        for file in &self.files {
            for (rule, total) in &file.outcome.totals {
                *totals.entry(*rule).or_default() += total;
            }
            for hit in &file.outcome.hits {
                let reach = file.reach_of(hit.when, hit.function);
                findings.entry(hit.rule).or_default().push(finding(hit, &file.path, reach));
            }
            findings.values_mut().filter(|list| list.len() > MAX_FINDINGS * 50).for_each(keep_strongest);
        }
        for hit in self.cross_file_hits() {
            let file = &self.files[hit.0];
            let reach = file.reach_of(hit.1.when, hit.1.function);
            *totals.entry(hit.1.rule).or_default() += 1;
            findings.entry(hit.1.rule).or_default().push(finding(&hit.1, &file.path, reach));
        }
        for (index, rule) in RULES.iter().enumerate() {
            if let Check::Distribution(check) = rule.check {
                let mut hits = Hits::of(rule, index, "");
                check(&self, &mut hits);
                let (hits, total) = hits.finish();
                if total > 0 {
                    totals.insert(index, total);
                }
                let reported = hits.iter().map(|hit| finding(hit, "", Reach::Import));
                findings.entry(index).or_default().extend(reported);
            }
        }
        findings.values_mut().for_each(keep_strongest);
        let mut all: Vec<Finding> = findings.into_values().flatten().collect();
        let (local, local_hits) = self.local_findings();
        all.extend(local);
        all.sort();
        self.coverage.cited = cited::digests(&all, &self.entries);
        let capabilities = totals.keys().filter_map(|rule| RULES[*rule].capability).collect();
        let report = DistributionReport {
            filename: filename.to_owned(),
            kind: self.kind,
            digests,
            capabilities,
            hosts: self.collect(MAX_HOSTS, |outcome| &outcome.hosts),
            imports: self.collect(MAX_IMPORTS, |outcome| &outcome.imports),
            install_hooks: self.install_hooks(),
            findings: all,
            rule_hits: totals
                .into_iter()
                .map(|(rule, total)| (RULES[rule].id.to_owned(), total))
                .chain(local_hits)
                .collect(),
            coverage: self.coverage(),
        };
        let mut files = FileSet { files: self.entries };
        files.files.sort();
        (report, files)
    }

    fn settle_reach(&mut self) {
        let candidates: Vec<reach::Candidate<'_>> = self
            .files
            .iter()
            .map(|file| reach::Candidate {
                inner: &file.inner,
                imports: &file.outcome.local_imports,
                modules: &file.outcome.imports,
            })
            .collect();
        let reached = reach::reach(self.kind, &candidates, &self.manifests);
        for (index, file) in self.files.iter_mut().enumerate() {
            file.reach = reached.reach[index];
            file.hooked = reached.hooked.contains(&index);
        }
        let modules: Vec<Reach> = self.files.iter().map(|file| file.reach).collect();
        let functions = link::Linked::new(&self.files).reach(&modules);
        for ((file, function), reach) in functions {
            self.files[file].functions.insert(function, reach);
        }
    }

    /// Flows whose source and end lie in different files, as hits of the rules that know such flows.
    fn cross_file_hits(&self) -> Vec<(usize, Hit)> {
        let linked = link::Linked::new(&self.files);
        let mut all = Vec::new();
        for flow in linked.flows().into_iter().take(MAX_FINDINGS * 10) {
            let file = &self.files[flow.file];
            let sink = linked.sink(&flow);
            let Some((line, text)) = file.outcome.sinks.get(flow.sink) else { continue };
            for judged in judge(sink.effects, flow.taint) {
                let known = file
                    .outcome
                    .hits
                    .iter()
                    .any(|hit| hit.rule == judged.rule && hit.line == *line && hit.installed >= judged.severity[2]);
                if !known {
                    let when = if sink.place.function == 0 { When::Load } else { When::Call };
                    all.push((flow.file, judged.hit(text, *line, when, sink.place.function)));
                }
            }
        }
        all
    }

    fn coverage(&mut self) -> Coverage {
        let mut coverage = std::mem::take(&mut self.coverage);
        coverage.files = self.entries.len() as u64;
        coverage.bytes = self.entries.iter().map(|entry| entry.size).sum();
        coverage.binaries = std::mem::take(&mut self.binaries);
        coverage.binaries.sort();
        coverage.skipped = std::mem::take(&mut self.skipped);
        coverage.skipped.sort();
        coverage.skipped.dedup();
        coverage.skipped.truncate(MAX_SKIPPED);
        coverage.skipped_total = self.skipped_total;
        coverage
    }

    fn collect(&self, limit: usize, of: impl Fn(&Outcome) -> &BTreeSet<String>) -> BTreeSet<String> {
        let files = self.files.iter().filter(|file| file.reach != Reach::Test);
        let all: BTreeSet<&String> = files.flat_map(|file| of(&file.outcome)).collect();
        all.into_iter().take(limit).map(|text| printable(text, 253)).collect()
    }

    fn install_hooks(&self) -> BTreeSet<String> {
        let scripts =
            self.manifests.scripts.iter().filter(|script| !matches!(script.name.as_str(), "prepare" | "prepublish"));
        let scripts = scripts.map(|script| format!("package.json#scripts.{}", script.name));
        let setup = self.files.iter().filter(|file| self.kind == DistributionKind::Sdist && file.inner == "setup.py");
        let pth = self.manifests.pth_lines.iter().map(|line| line.file.clone());
        let backend = self.manifests.backend_path.iter().map(|(file, _)| format!("{file}#build-system.backend-path"));
        let all = scripts.chain(setup.map(|file| file.path.clone())).chain(pth).chain(backend);
        all.chain(self.manifests.binding_gyp.clone()).take(MAX_HOOKS).collect()
    }
}

/// A finding from a hit in code that runs at `reach`, unless the rule knows better.
fn finding(hit: &Hit, path: &str, reach: Reach) -> Finding {
    let rule = RULES[hit.rule];
    let reach = hit.reach.unwrap_or(reach);
    Finding {
        rule: rule.id.to_owned(),
        category: rule.category,
        capability: rule.capability,
        severity: match reach {
            Reach::Install => hit.installed,
            Reach::Import => hit.loaded,
            // Who starts a program asks for what it does.
            Reach::EntryPoint | Reach::Call | Reach::Test => hit.severity,
        },
        confidence: hit.confidence,
        reach,
        file: hit.file.clone().unwrap_or_else(|| path.to_owned()),
        line: hit.line,
        evidence: hit.evidence.clone(),
        message: hit.message.clone().unwrap_or_else(|| rule.message.to_owned()),
    }
}

/// Keeps the findings of one rule that matter most: severity, then how early they run, then their place.
fn keep_strongest(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        let weight = |finding: &Finding| (finding.severity, finding.reach, finding.confidence);
        weight(b).cmp(&weight(a)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
}

/// True for bytes that can be text: no NUL among the first of them.
fn is_text(bytes: &[u8]) -> bool {
    !bytes[..bytes.len().min(4096)].contains(&0)
}
