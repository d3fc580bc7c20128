//! The end of a distribution: what its files say together, in order.
//!
//! In: a [`Distribution`] whose files were all read. Out: its [`Analysis`]. When a file runs is settled here, since that takes
//! all of them, and what each finding weighs follows from it. Every list is bounded, and the strongest findings stay.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sigma_core::{
    Coverage, Digests, DistributionKind, DistributionReport, FileEntry, FileSet, FileState, Finding, Reach, SkipReason,
    printable,
};

use super::{
    Distribution, FileRecord, MAX_FINDINGS, MAX_PATH, MAX_SKIPPED, Outcome, cited, entry, link, plugins, reach,
};
use crate::Analysis;
use crate::facts::When;
use crate::rules::{Check, Hit, Hits, RULES, judge};

/// Hosts in a report.
const MAX_HOSTS: usize = 200;
/// Imports in a report.
const MAX_IMPORTS: usize = 500;
/// Install hooks in a report.
const MAX_HOOKS: usize = 200;
/// Entry points in a report.
const MAX_ENTRY_POINTS: usize = 500;

impl Distribution<'_> {
    /// Ends: the rules that look at the whole, then everything in order.
    pub fn finish(mut self, digests: Digests) -> Analysis {
        let own = self.package().filter(|_| self.perhaps).and_then(|guess| self.manifests.named(guess));
        self.package = own.map(Cow::Owned).or(self.package);
        for (path, reason, detail) in std::mem::take(&mut self.manifests.unread) {
            self.skip(path, reason, detail);
        }
        let linked = self.settle_reach();
        let entered = self.entry.and_then(|entry| entry::Reached::from(entry, &self.files));
        if let (Some(entry), None) = (self.entry, &entered) {
            let detail = "the entry point is no source that is followed: what it reaches is not known".to_owned();
            self.skip(printable(entry, MAX_PATH), SkipReason::Unsupported, detail);
        }
        let entered = entered.as_ref();
        let mut findings: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        let mut totals: BTreeMap<usize, u64> = BTreeMap::new();
        let own = own_modules(&self.files);
        // About modules of others that are the package's own.
        let is_about_itself =
            |hit: &Hit| !hit.about.is_empty() && hit.about.iter().all(|module| own.contains(&**module));
        for (index, file) in self.files.iter().enumerate() {
            for (rule, total) in &file.outcome.totals {
                *totals.entry(*rule).or_default() += total;
            }
            for hit in file.outcome.hits.iter().filter(|hit| !is_about_itself(hit)) {
                let reach = file.reach_of(hit.when, hit.function);
                let reached = entered.and_then(|entered| entered.holds(index, file, hit.when, hit.function));
                let list = findings.entry(hit.rule).or_default();
                list.push(finding(hit, &file.path, reach, reached));
                if list.len() > MAX_FINDINGS * 50 {
                    keep_strongest(list);
                }
            }
        }
        for hit in self.cross_file_hits(&linked) {
            let file = &self.files[hit.0];
            let reach = file.reach_of(hit.1.when, hit.1.function);
            let reached = entered.and_then(|entered| entered.holds(hit.0, file, hit.1.when, hit.1.function));
            *totals.entry(hit.1.rule).or_default() += 1;
            findings.entry(hit.1.rule).or_default().push(finding(&hit.1, &file.path, reach, reached));
        }
        for (index, rule) in RULES.iter().enumerate() {
            if let Check::Distribution(check) = rule.check {
                let mut hits = Hits::of(rule, index, "");
                check(&self, &mut hits);
                let (hits, total) = hits.finish();
                if total > 0 {
                    totals.insert(index, total);
                }
                let reported = hits.iter().map(|hit| finding(hit, "", Reach::Import, None));
                findings.entry(index).or_default().extend(reported);
            }
        }
        findings.values_mut().for_each(keep_strongest);
        let mut all: Vec<Finding> = findings.into_values().flatten().collect();
        let (local, local_hits) = self.local_findings(entered);
        all.extend(local);
        all.sort();
        self.coverage.cited = cited::digests(&all, &self.entries);
        let proved = totals.keys().filter_map(|rule| RULES[*rule].capability);
        let capabilities = std::mem::take(&mut self.capabilities).into_iter().chain(proved).collect();
        let (coverage, readings) = self.coverage();
        let report = DistributionReport {
            filename: self.filename.to_owned(),
            kind: self.kind,
            digests,
            capabilities,
            hosts: self.collect(MAX_HOSTS, |outcome| &outcome.hosts),
            imports: self.collect(MAX_IMPORTS, |outcome| &outcome.imports),
            install_hooks: self.install_hooks(),
            entry_points: self.entry_points(),
            findings: all,
            rule_hits: totals
                .into_iter()
                .map(|(rule, total)| (RULES[rule].id.to_owned(), total))
                .chain(local_hits)
                .collect(),
            coverage,
        };
        let mut read: Vec<(FileEntry, (FileState, Option<SkipReason>))> =
            self.entries.into_iter().zip(readings).collect();
        read.sort();
        let (files, states) = read.into_iter().unzip();
        Analysis { report, files: FileSet { files }, states, package: self.package.map(Cow::into_owned) }
    }

    /// Works out when every file and function runs, for which it ties the files together.
    fn settle_reach(&mut self) -> link::Linked {
        let candidates: Vec<reach::Candidate<'_>> = self
            .files
            .iter()
            .map(|file| reach::Candidate { inner: &file.inner, modules: &file.outcome.modules })
            .collect();
        let stems = reach::Stems::of(self.files.iter().map(|file| file.inner.as_str()).zip(0..));
        let reached = reach::reach(self.kind, &candidates, &stems, &self.manifests);
        let linked = link::Linked::new(&self.files, &stems);
        let called = plugins::functions(&self.manifests.plugins, &self.files, &stems);
        let functions = linked.reach(&reached.reach, &called);
        drop(stems);
        for (index, file) in self.files.iter_mut().enumerate() {
            file.reach = reached.reach[index];
            file.hooked = reached.hooked.contains(&index);
        }
        for ((file, function), reach) in functions {
            self.files[file].functions.insert(function, reach);
        }
        linked
    }

    /// Flows whose source and end lie in different files, as hits of the rules that know such flows.
    fn cross_file_hits(&self, linked: &link::Linked) -> Vec<(usize, Hit)> {
        let mut all = Vec::new();
        for flow in linked.flows().into_iter().take(MAX_FINDINGS * 10) {
            let file = &self.files[flow.file];
            let sink = linked.sink(&flow);
            let Some((line, text)) = file.outcome.sinks.get(flow.sink) else { continue };
            for judged in judge(flow.effects, flow.taint) {
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

    fn coverage(&mut self) -> (Coverage, Vec<(FileState, Option<SkipReason>)>) {
        let mut coverage = std::mem::take(&mut self.coverage);
        coverage.files = self.entries.len() as u64;
        coverage.bytes = self.entries.iter().map(|entry| entry.size).sum();
        coverage.binaries = std::mem::take(&mut self.binaries).into_iter().map(|binary| binary.file).collect();
        coverage.binaries.sort();
        coverage.skipped = std::mem::take(&mut self.skipped);
        coverage.skipped.sort();
        coverage.skipped.dedup();
        coverage.skipped.truncate(MAX_SKIPPED);
        coverage.skipped_total = self.skipped_total;
        let states = std::mem::take(&mut self.states).tell(&self.entries, &mut coverage);
        (coverage, states)
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

    fn entry_points(&self) -> BTreeSet<String> {
        let named = self.manifests.bin_files.iter().chain(&self.manifests.entry_modules);
        named.take(MAX_ENTRY_POINTS).map(|name| printable(name, 253)).collect()
    }
}

/// The modules of Python that lie in the package itself, by their first names.
pub(crate) fn own_modules(files: &[FileRecord]) -> HashSet<&str> {
    let paths = files.iter().map(|file| file.inner.strip_prefix("src/").unwrap_or(&file.inner));
    paths.filter_map(|path| path.split_once('/').map(|(folder, _)| folder).or(path.strip_suffix(".py"))).collect()
}

/// A finding from a hit in code that runs at `reach`, unless the rule knows better.
fn finding(hit: &Hit, path: &str, reach: Reach, reached: Option<bool>) -> Finding {
    let rule = RULES[hit.rule];
    let reach = hit.reach.unwrap_or(reach);
    Finding {
        rule: rule.id.to_owned(),
        category: rule.category,
        capability: rule.capability,
        severity: hit.severity_at(reach),
        confidence: hit.confidence,
        reach,
        file: hit.file.clone().unwrap_or_else(|| path.to_owned()),
        line: hit.line,
        evidence: hit.evidence.clone(),
        message: hit.message.clone().unwrap_or_else(|| rule.message.to_owned()),
        reached,
    }
}

/// Keeps the findings of one rule that matter most: severity, then how early they run, then their place.
pub(super) fn keep_strongest(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        let weight = |finding: &Finding| (finding.severity, finding.reach, finding.confidence);
        weight(b).cmp(&weight(a)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
}
