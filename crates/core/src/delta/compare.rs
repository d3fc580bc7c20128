//! Two distributions of the same kind, list by list.

use std::collections::{BTreeMap, BTreeSet};

use super::{DistributionDelta, FileDelta, Gain, NewBinary, NewRule};
use crate::{BinaryFile, Capability, Category, DistributionKind, DistributionReport, Finding, Reach, Report};

/// Entries of each list of a delta. What is cut is counted: a release that changes more is a rewrite, which no list tells.
pub(super) const MAX_ENTRIES: usize = 60;
/// Findings of one rule that a report keeps; a list of that length may be cut.
const REPORT_FINDINGS: usize = 40;
/// Hosts that a report keeps.
pub(super) const REPORT_HOSTS: usize = 200;
/// Imports that a report keeps.
const REPORT_IMPORTS: usize = 500;

/// Two distributions of the same kind.
pub(super) struct Pair<'a> {
    pub old: &'a DistributionReport,
    pub new: &'a DistributionReport,
    /// The reports that they are of.
    pub versions: (&'a Report, &'a Report),
    /// Whether both are of the same ruleset.
    pub same_rules: bool,
}

impl Pair<'_> {
    /// What is new in the second; what cannot be compared is added to `uncompared`.
    pub fn compare(&self, uncompared: &mut Vec<String>) -> DistributionDelta {
        let mut cut = 0;
        let mut delta = DistributionDelta {
            filename: self.new.filename.clone(),
            previous_filename: self.old.filename.clone(),
            kind: self.new.kind,
            capabilities: Vec::new(),
            hosts: BTreeSet::new(),
            first_hosts: self.old.hosts.is_empty(),
            imports: BTreeSet::new(),
            install_hooks: keep(self.install_hooks(), &mut cut),
            entry_points: keep(self.new.entry_points.difference(&self.old.entry_points).cloned(), &mut cut),
            binaries: keep(self.binaries(), &mut cut),
            first_binaries: self.old.coverage.binaries.is_empty(),
            rules: Vec::new(),
            files: Vec::new(),
            cut: 0,
        };
        if self.same_rules {
            delta.capabilities = self.capabilities();
            delta.rules = keep(self.rules(), &mut cut);
            delta.files = keep(self.files(), &mut cut);
            let mut list = |what: &str, limit, old: &BTreeSet<String>, new: &BTreeSet<String>| {
                // A list that was cut does not tell what it lacks.
                if old.len() >= limit {
                    uncompared.push(format!("{}: {what}, of which the earlier report lists only some", delta.filename));
                    return BTreeSet::new();
                }
                keep(new.difference(old).cloned(), &mut cut)
            };
            delta.hosts = list("hosts", REPORT_HOSTS, &self.old.hosts, &self.new.hosts);
            delta.imports = list("imports", REPORT_IMPORTS, &self.old.imports, &self.new.imports);
        }
        delta.cut = cut;
        delta
    }

    fn capabilities(&self) -> Vec<Gain> {
        let before = earliest(self.old);
        let gains = earliest(self.new).into_iter().map(|(capability, reach)| {
            let before = before.get(&capability).copied();
            Gain { capability, reach, before }
        });
        // npm's `prepare` is a hook of who packs, not of who installs.
        let idle = |gain: &Gain| gain.capability == Capability::InstallHook && gain.reach < Reach::Install;
        gains.filter(|gain| gain.before.is_none_or(|before| gain.reach > before) && !idle(gain)).collect()
    }

    fn rules(&self) -> impl Iterator<Item = NewRule> {
        let before = hardest(self.old);
        let gained = hardest(self.new).into_iter().map(move |(rule, finding)| NewRule {
            rule: rule.to_owned(),
            category: finding.category,
            capability: finding.capability,
            severity: finding.severity,
            before: before.get(rule).map(|finding| finding.severity),
            reach: finding.reach,
            location: match finding.line {
                0 => finding.file.clone(),
                line => format!("{}:{line}", finding.file),
            },
        });
        gained.filter(|rule| rule.before.is_none_or(|before| rule.severity > before))
    }

    /// Hooks that were not there, and commands of `package.json` that npm did not run at installation before.
    fn install_hooks(&self) -> impl Iterator<Item = String> {
        let [(before, old_commands), (_, commands)] = [(self.old, self.versions.0), (self.new, self.versions.1)]
            .map(|(one, report)| (hooks(one, report.package.version()), commands(one)));
        let version = self.versions.1.package.version();
        let hooks = self.new.install_hooks.iter();
        let new: BTreeSet<String> =
            hooks.filter(|hook| !before.contains(&place(self.new.kind, hook, version))).cloned().collect();
        let changed: BTreeSet<String> =
            if self.same_rules { commands.difference(&old_commands).cloned().collect() } else { BTreeSet::new() };
        new.into_iter().chain(changed)
    }

    fn binaries(&self) -> impl Iterator<Item = NewBinary> {
        let (old, new) = (self.versions.0.package.version(), self.versions.1.package.version());
        let formats = |one: &DistributionReport| -> BTreeSet<String> {
            one.coverage.binaries.iter().map(|binary| binary.format.clone()).collect()
        };
        // Wheels for two platforms have no format in common: then names alone tell what is new.
        let switched = formats(self.old).is_disjoint(&formats(self.new));
        let key = move |kind, binary: &BinaryFile, version: &str| {
            let format = if switched { String::new() } else { binary.format.clone() };
            (stem(&place(kind, &binary.path, version)), format)
        };
        let known = self.old.coverage.binaries.iter().map(|binary| key(self.old.kind, binary, old));
        let known: BTreeSet<(String, String)> = known.collect();
        let all = self.new.coverage.binaries.iter();
        all.filter(move |binary| !known.contains(&key(self.new.kind, binary, new)))
            .map(|binary| NewBinary { path: binary.path.clone(), format: binary.format.clone() })
    }

    /// Rules whose list of findings is cut in the earlier report say nothing about single files.
    fn files(&self) -> impl Iterator<Item = FileDelta> {
        let (old, new) = (self.versions.0.package.version(), self.versions.1.package.version());
        let site = |finding: &Finding, kind, version: &str| {
            (place(kind, &finding.file, version), finding.rule.clone(), finding.evidence.clone())
        };
        let known: BTreeSet<(String, String, String)> =
            able(self.old).map(|(finding, _)| site(finding, self.old.kind, old)).collect();
        let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.old.findings {
            *kept.entry(finding.rule.as_str()).or_default() += 1;
        }
        let cut = |rule: &str| kept.get(rule).is_some_and(|count| *count >= REPORT_FINDINGS);
        let mut files: BTreeMap<&str, FileDelta> = BTreeMap::new();
        for (finding, capability) in able(self.new) {
            if !cut(&finding.rule) && !known.contains(&site(finding, self.new.kind, new)) {
                let empty =
                    || FileDelta { path: finding.file.clone(), capabilities: BTreeSet::new(), reach: finding.reach };
                let file = files.entry(&finding.file).or_insert_with(empty);
                file.capabilities.insert(capability);
                file.reach = file.reach.max(finding.reach);
            }
        }
        files.into_values().collect::<Vec<_>>().into_iter()
    }
}

/// The first entries, and how many more there were.
fn keep<T, C: FromIterator<T>>(all: impl Iterator<Item = T>, cut: &mut u64) -> C {
    let mut all = all;
    let kept: Vec<T> = all.by_ref().take(MAX_ENTRIES).collect();
    *cut += all.count() as u64;
    kept.into_iter().collect()
}

/// Findings in code that the package runs, and what they prove it is able to do.
fn able(report: &DistributionReport) -> impl Iterator<Item = (&Finding, Capability)> {
    let runs = report.findings.iter().filter(|finding| finding.reach != Reach::Test);
    runs.filter_map(|finding| Some((finding, finding.capability?)))
}

/// When each capability's code first runs. Of the findings of a rule that are equally serious, reports keep those that run
/// earliest, so this holds for cut lists too.
fn earliest(report: &DistributionReport) -> BTreeMap<Capability, Reach> {
    let mut all = BTreeMap::new();
    for (finding, capability) in able(report) {
        let reach = all.entry(capability).or_insert(finding.reach);
        *reach = finding.reach.max(*reach);
    }
    all
}

/// The most serious finding of each rule, the earliest to run among equals.
fn hardest(report: &DistributionReport) -> BTreeMap<&str, &Finding> {
    let mut all: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.reach != Reach::Test) {
        let kept = all.entry(&finding.rule).or_insert(finding);
        if (finding.severity, finding.reach) > (kept.severity, kept.reach) {
            *kept = finding;
        }
    }
    all
}

fn hooks(report: &DistributionReport, version: &str) -> BTreeSet<String> {
    report.install_hooks.iter().map(|hook| place(report.kind, hook, version)).collect()
}

/// What npm runs at installation, as the evidence of findings on `package.json` has it.
fn commands(report: &DistributionReport) -> BTreeSet<String> {
    let hooks = report.findings.iter().filter(|finding| {
        finding.category == Category::InstallHook
            && finding.reach == Reach::Install
            && finding.file.ends_with("package.json")
            && !finding.evidence.is_empty()
    });
    hooks.map(|finding| finding.evidence.clone()).collect()
}

/// A path without what changes with every version: the folder that sdists and tarballs put around everything, the version
/// itself, and the hashes in the names of bundled files (`chunk-2af31b9c.js`).
fn place(kind: DistributionKind, path: &str, version: &str) -> String {
    let inner = match kind {
        DistributionKind::Wheel => path,
        DistributionKind::Sdist | DistributionKind::NpmTarball => path.split_once('/').map_or(path, |(_, inner)| inner),
    };
    // A version such as `1` is in too many names that have nothing to do with it.
    let inner = if version.len() < 3 { inner.to_owned() } else { inner.replace(version, "*") };
    let (folder, name) = inner.rsplit_once('/').unwrap_or(("", &inner));
    let is_hash = |part: &str| {
        part.len() >= 6
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let name: String = name
        .split_inclusive(['-', '.', '_'])
        .map(|part| {
            let bare = part.trim_end_matches(['-', '.', '_']);
            if is_hash(bare) { format!("*{}", &part[bare.len()..]) } else { part.to_owned() }
        })
        .collect();
    format!("{folder}/{name}")
}

/// A binary's path without platform: everything after the first dot of its name, and `lib` before it.
fn stem(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.strip_prefix("lib").unwrap_or(name);
    format!("{folder}/{}", name.split('.').next().unwrap_or(name))
}
