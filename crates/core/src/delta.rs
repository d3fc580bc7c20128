//! What is new in a release since an earlier one: the strongest signal there is for a popular package that was hijacked.
//!
//! In: two reports of the same package, and who published each. Out: a [`Delta`]. It is a pure function of them: sorted,
//! bounded, and printable as reports are. It must never guess: what cannot be compared is named in `uncompared`, and an
//! absent answer is never "unchanged".
//!
//! Like is compared with like: wheel with wheel, sdist with sdist, tarball with tarball. What only tests, examples and
//! documentation do is no capability of the package, and left out on both sides. A fact that two rulesets may see
//! differently is compared only between reports of the same ruleset; of reports of different rulesets only what manifests
//! and file names say is compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Capability, Category, DistributionKind, DistributionReport, Finding, People, Reach, Report, Severity, Step,
    printable,
};

/// Entries of each list of a delta. What is cut is counted: a release that changes more is a rewrite, which no list tells.
const MAX_ENTRIES: usize = 60;
/// Findings of one rule that a report keeps; a list of that length may be cut.
const REPORT_FINDINGS: usize = 40;
/// Hosts that a report keeps.
const REPORT_HOSTS: usize = 200;
/// Imports that a report keeps.
const REPORT_IMPORTS: usize = 500;

/// What is new in a release since an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The version compared with.
    pub previous: String,
    /// The kind of step from there.
    pub step: Step,
    /// The ruleset of the earlier report.
    pub previous_ruleset: String,
    /// The ruleset of the new report. When it is another one, what rules say was not compared.
    pub ruleset: String,
    /// One for each distribution that has a counterpart, in the order of the new report.
    pub distributions: Vec<DistributionDelta>,
    /// What could not be compared, in sentences.
    pub uncompared: Vec<String>,
    /// Who uploaded the earlier and the new version; `None` when the ecosystem does not say for both.
    pub publishers: Option<(String, String)>,
    /// How the maintainers changed; `None` when the ecosystem does not say for both.
    pub maintainers: Option<Roster>,
}

/// Accounts that came and went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Roster {
    /// May upload now, and could not before.
    pub added: BTreeSet<String>,
    /// Could upload before, and may not now.
    pub removed: BTreeSet<String>,
}

/// What is new in one distribution since its counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DistributionDelta {
    /// The new distribution's file name.
    pub filename: String,
    /// Its counterpart's.
    pub previous_filename: String,
    /// What kind of file both are.
    pub kind: DistributionKind,
    /// What the code is able to do now and was not before, or does earlier now: at import instead of when called.
    pub capabilities: Vec<Gain>,
    /// Static hosts in network calls.
    pub hosts: BTreeSet<String>,
    /// Whether the counterpart named no host at all: it only went where its caller sent it.
    pub first_hosts: bool,
    /// Top-level modules.
    pub imports: BTreeSet<String>,
    /// What runs at installation: new hooks, and new commands of hooks that were there (`postinstall: node x.js`).
    pub install_hooks: BTreeSet<String>,
    /// Modules of console scripts, files of npm's `bin`.
    pub entry_points: BTreeSet<String>,
    /// Native and compiled files. Their names are compared without version, platform and hash.
    pub binaries: Vec<NewBinary>,
    /// Whether the counterpart had no binary at all.
    pub first_binaries: bool,
    /// Rules that hit and did not before, or hit harder.
    pub rules: Vec<NewRule>,
    /// Files with new places at which something is done: a call that no file of that name had.
    pub files: Vec<FileDelta>,
    /// Entries left out of the lists above because there are too many.
    pub cut: u64,
}

/// A capability that is new, or that the code has earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gain {
    /// The capability.
    pub capability: Capability,
    /// When the code that has it runs.
    pub reach: Reach,
    /// When such code ran before; `None` when there was none.
    pub before: Option<Reach>,
}

/// A binary that was not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewBinary {
    /// Path inside the distribution.
    pub path: String,
    /// `elf`, `pe`, `mach-o`, `wasm`, `pyc`.
    pub format: String,
}

/// A rule that hit and did not before, or hit harder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRule {
    /// Its id.
    pub rule: String,
    /// What it is about.
    pub category: Category,
    /// The capability that it proves, if any.
    pub capability: Option<Capability>,
    /// The most serious hit.
    pub severity: Severity,
    /// The most serious hit before; `None` when there was none.
    pub before: Option<Severity>,
    /// When the most serious hit's code runs.
    pub reach: Reach,
    /// Where it is: `path:line`.
    pub location: String,
}

/// A file with new places at which something is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileDelta {
    /// Path inside the distribution.
    pub path: String,
    /// What is done there.
    pub capabilities: BTreeSet<Capability>,
    /// When the earliest of that runs.
    pub reach: Reach,
}

impl Delta {
    /// Compares a report with an earlier one of the same package.
    pub fn between(old: (&Report, &People), new: (&Report, &People)) -> Self {
        let ((old, old_people), (new, new_people)) = (old, new);
        let same_rules = old.ruleset == new.ruleset;
        let mut uncompared = Vec::new();
        if !same_rules {
            uncompared.push(format!(
                "capabilities, hosts, imports and findings: the earlier report is of ruleset {}",
                printable(&old.ruleset, 40)
            ));
        }
        let mut distributions = Vec::new();
        for distribution in &new.distributions {
            let counterpart = old.distributions.iter().find(|candidate| candidate.kind == distribution.kind);
            match counterpart {
                Some(counterpart) => {
                    let pair = Pair { old: counterpart, new: distribution, versions: (old, new), same_rules };
                    distributions.push(pair.compare(&mut uncompared));
                }
                None => {
                    uncompared.push(format!("{}: the earlier release has no file of its kind", distribution.filename))
                }
            }
        }
        let publishers = old_people.publisher.clone().zip(new_people.publisher.clone());
        let maintainers = old_people.maintainers.as_ref().zip(new_people.maintainers.as_ref()).map(|(old, new)| {
            Roster { added: new.difference(old).cloned().collect(), removed: old.difference(new).cloned().collect() }
        });
        Self {
            previous: old.package.version().to_owned(),
            step: Step::between(new.package.ecosystem(), old.package.version(), new.package.version()),
            previous_ruleset: old.ruleset.clone(),
            ruleset: new.ruleset.clone(),
            distributions,
            uncompared,
            publishers,
            maintainers,
        }
    }

    /// Whether both reports are of the same ruleset, so that what rules say was compared.
    pub fn same_ruleset(&self) -> bool {
        self.previous_ruleset == self.ruleset
    }

    /// The account that uploaded the new version, when it is neither the one before nor one that could upload before.
    /// `None` also when the ecosystem does not say.
    pub fn newcomer(&self) -> Option<&str> {
        let (before, now) = self.publishers.as_ref()?;
        // Somebody who was a maintainer already is no newcomer; who was one is known from the same source.
        let joined = self.maintainers.as_ref().is_none_or(|roster| roster.added.contains(now));
        (before != now && joined).then_some(now)
    }

    /// What is new, in a sentence of bounded length.
    pub fn summary(&self) -> String {
        let since = format!("{} ({} step)", self.previous, self.step);
        let mut news: Vec<String> = Vec::new();
        let mut list = |what: &str, of: &dyn Fn(&DistributionDelta) -> Vec<String>| {
            let all: BTreeSet<String> = self.distributions.iter().flat_map(of).collect();
            let shown: Vec<String> = all.iter().take(3).map(|text| printable(text, 120)).collect();
            let more = if all.len() > 3 { format!(" and {} more", all.len() - 3) } else { String::new() };
            if !shown.is_empty() {
                news.push(format!("{what} {}{more}", shown.join(", ")));
            }
        };
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect();
        list("runs at installation:", &|one| texts(&one.install_hooks));
        list("able to:", &|one| one.capabilities.iter().map(|gain| gain.capability.as_str().to_owned()).collect());
        list("hosts:", &|one| texts(&one.hosts));
        list("compiled files:", &|one| one.binaries.iter().map(|binary| binary.path.clone()).collect());
        list("commands:", &|one| texts(&one.entry_points));
        list("findings:", &|one| {
            one.rules.iter().filter(|rule| rule.severity >= Severity::Medium).map(|rule| rule.rule.clone()).collect()
        });
        if let Some(who) = self.newcomer() {
            news.push(format!("published by: {}", printable(who, 60)));
        }
        match (news.is_empty(), self.uncompared.is_empty()) {
            (false, _) => format!("new since {since}: {}", news.join("; ")),
            (true, true) => format!("nothing new since {since}"),
            (true, false) => format!("nothing new since {since} in what could be compared"),
        }
    }

    /// Whether nothing new was found in what could be compared.
    pub fn is_empty(&self) -> bool {
        let same = |roster: &Roster| roster.added.is_empty() && roster.removed.is_empty();
        self.distributions.iter().all(DistributionDelta::is_empty)
            && self.newcomer().is_none()
            && self.maintainers.as_ref().is_none_or(same)
    }
}

impl DistributionDelta {
    /// Whether nothing is new in it.
    pub fn is_empty(&self) -> bool {
        let Self { capabilities, hosts, imports, install_hooks, entry_points, binaries, rules, files, cut, .. } = self;
        capabilities.is_empty()
            && hosts.is_empty()
            && imports.is_empty()
            && install_hooks.is_empty()
            && entry_points.is_empty()
            && binaries.is_empty()
            && rules.is_empty()
            && files.is_empty()
            && *cut == 0
    }

    /// The gain of one of these capabilities that runs earliest.
    pub fn gain(&self, of: &[Capability]) -> Option<&Gain> {
        let gains = self.capabilities.iter().filter(|gain| of.contains(&gain.capability));
        gains.max_by_key(|gain| (gain.reach, gain.before.is_none()))
    }
}

/// Two distributions of the same kind.
struct Pair<'a> {
    old: &'a DistributionReport,
    new: &'a DistributionReport,
    versions: (&'a Report, &'a Report),
    same_rules: bool,
}

impl Pair<'_> {
    fn compare(&self, uncompared: &mut Vec<String>) -> DistributionDelta {
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
        gains.filter(|gain| gain.before.is_none_or(|before| gain.reach > before)).collect()
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
        let known = self.old.coverage.binaries.iter().map(|binary| stem(&place(self.old.kind, &binary.path, old)));
        let known: BTreeSet<String> = known.collect();
        let all = self.new.coverage.binaries.iter();
        all.filter(move |binary| !known.contains(&stem(&place(self.new.kind, &binary.path, new))))
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

/// When each capability's code first runs. Reports keep the findings that run earliest, so this holds for cut lists too.
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
    let inner = inner.replace(version, "*");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnalysisType, BinaryFile, Confidence, Coverage, Digests, Sha1, Sha256, Sha512};

    /// A report of one wheel, changed by `set`.
    fn report(version: &str, set: impl FnOnce(&mut DistributionReport)) -> Report {
        let digests = Digests {
            sha256: Sha256::of(b""),
            sha512: Sha512::from_bytes([0; 64]),
            sha1: Sha1::from_bytes([0; 20]),
            size: 0,
        };
        let mut distribution = DistributionReport {
            filename: format!("demo-{version}-py3-none-any.whl"),
            kind: DistributionKind::Wheel,
            digests,
            coverage: Coverage::default(),
            capabilities: BTreeSet::new(),
            hosts: BTreeSet::new(),
            imports: BTreeSet::new(),
            install_hooks: BTreeSet::new(),
            entry_points: BTreeSet::new(),
            findings: Vec::new(),
            rule_hits: BTreeMap::new(),
        };
        set(&mut distribution);
        Report {
            package: format!("pypi:demo@{version}").parse().unwrap(),
            ruleset: "r".to_owned(),
            analysis_type: AnalysisType::Full,
            distributions: vec![distribution],
        }
    }

    fn finding(rule: &str, capability: Capability, reach: Reach, file: &str, evidence: &str) -> Finding {
        Finding {
            rule: rule.to_owned(),
            category: Category::Process,
            capability: Some(capability),
            severity: Severity::Info,
            confidence: Confidence::High,
            reach,
            file: file.to_owned(),
            line: 3,
            evidence: evidence.to_owned(),
            message: String::new(),
        }
    }

    fn compare(old: &Report, new: &Report) -> Delta {
        Delta::between((old, &People::default()), (new, &People::default()))
    }

    fn texts(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn what_is_new_is_told_and_what_was_there_is_not() {
        let spawn = |reach, file: &str| finding("process-spawn", Capability::Process, reach, file, "run(x)");
        let old = report("1.2.3", |one| {
            one.findings = vec![spawn(Reach::Call, "demo/a.py")];
            one.hosts = texts(&["a.example.org"]);
            one.install_hooks = texts(&["demo-1.2.3.data/x.pth"]);
            one.entry_points = texts(&["demo.cli"]);
        });
        let new = report("1.2.4", |one| {
            one.findings = vec![
                spawn(Reach::Import, "demo/a.py"),
                spawn(Reach::Import, "demo/b.py"),
                finding("network-client", Capability::NetworkClient, Reach::Test, "tests/t.py", "get(x)"),
            ];
            one.hosts = texts(&["a.example.org", "b.example.org"]);
            one.install_hooks = texts(&["demo-1.2.4.data/x.pth"]);
            one.entry_points = texts(&["demo.cli", "demo.other"]);
        });
        let delta = compare(&old, &new);
        let one = &delta.distributions[0];
        assert_eq!(delta.step, Step::Patch);
        let earlier = Gain { capability: Capability::Process, reach: Reach::Import, before: Some(Reach::Call) };
        assert_eq!(one.capabilities, [earlier], "tests do not count, running earlier does");
        assert_eq!((one.hosts.clone(), one.first_hosts), (texts(&["b.example.org"]), false));
        assert_eq!(one.install_hooks, texts(&[]), "only the version in its path changed");
        assert_eq!(one.entry_points, texts(&["demo.other"]));
        assert_eq!(one.rules, [], "the rule hit before");
        assert_eq!(one.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["demo/b.py"]);
        assert_eq!(
            delta.summary(),
            "new since 1.2.3 (patch step): able to: process; hosts: b.example.org; commands: demo.other"
        );
        let same = compare(&old, &old);
        assert!(same.is_empty());
        assert_eq!(same.summary(), "nothing new since 1.2.3 (other step)");
    }

    #[test]
    fn a_command_of_a_hook_that_was_there_is_new() {
        let hook = |command: &str| Finding {
            category: Category::InstallHook,
            ..finding("npm-script", Capability::InstallHook, Reach::Install, "package/package.json", command)
        };
        let with = |version: &str, command: &str| {
            report(version, |one| {
                one.install_hooks = texts(&["package.json#scripts.postinstall"]);
                one.findings = vec![hook(command)];
            })
        };
        let (old, new) = (with("1.0", "postinstall: node a.js"), with("1.1", "postinstall: node b.js"));
        assert_eq!(compare(&old, &new).distributions[0].install_hooks, texts(&["postinstall: node b.js"]));
        assert!(compare(&old, &old).is_empty());
    }

    #[test]
    fn reports_of_two_rulesets_are_compared_only_where_rules_do_not_matter() {
        let old = report("1.0", |_| ());
        let mut new = report("1.1", |one| {
            one.findings = vec![finding("process-spawn", Capability::Process, Reach::Import, "demo/a.py", "run(x)")];
            one.hosts = texts(&["a.example.org"]);
            one.install_hooks = texts(&["demo.pth"]);
        });
        new.ruleset = "r2".to_owned();
        let delta = compare(&old, &new);
        let one = &delta.distributions[0];
        assert!(one.capabilities.is_empty() && one.hosts.is_empty() && one.rules.is_empty() && one.files.is_empty());
        assert_eq!(one.install_hooks, texts(&["demo.pth"]));
        assert_eq!(delta.uncompared.len(), 1);
    }

    #[test]
    fn lists_that_were_cut_are_not_compared_and_lists_that_are_long_are_cut() {
        let hosts = |count: usize| (0..count).map(|n| format!("h{n}.example.org")).collect();
        let old = report("1.0", |one| one.hosts = hosts(REPORT_HOSTS));
        let new = report("1.1", |one| one.hosts = texts(&["new.example.org"]));
        let cut = compare(&old, &new);
        assert_eq!((cut.distributions[0].hosts.len(), cut.uncompared.len()), (0, 1));
        let long = compare(&new, &report("1.2", |one| one.hosts = hosts(100)));
        assert_eq!(
            (long.distributions[0].hosts.len(), long.distributions[0].cut),
            (MAX_ENTRIES, 100 - MAX_ENTRIES as u64)
        );
    }

    #[test]
    fn a_distribution_without_counterpart_is_named() {
        let new = report("1.1", |one| one.kind = DistributionKind::Sdist);
        let delta = compare(&report("1.0", |_| ()), &new);
        assert!(delta.distributions.is_empty() && delta.is_empty());
        assert_eq!(delta.uncompared, ["demo-1.1-py3-none-any.whl: the earlier release has no file of its kind"]);
        assert_eq!(delta.summary(), "nothing new since 1.0 (minor step) in what could be compared");
    }

    #[test]
    fn binaries_are_known_by_their_names_without_platform_and_hash() {
        let binary = |path: &str| BinaryFile {
            path: path.to_owned(),
            format: "elf".to_owned(),
            size: 1,
            sha256: Sha256::of(b""),
        };
        let with = |version: &str, paths: &[&str]| {
            report(version, |one| one.coverage.binaries = paths.iter().map(|path| binary(path)).collect())
        };
        let old = with("1.0", &["demo/_fast.cpython-311-x86_64-linux-gnu.so", "demo.libs/libz-5f1a2b3c.so.1"]);
        let new = with("1.1", &["demo/_fast.cpython-312-darwin.so", "demo.libs/libz-99aa00bb.so.1", "demo/run.exe"]);
        let got = compare(&old, &new);
        let paths: Vec<&str> = got.distributions[0].binaries.iter().map(|binary| binary.path.as_str()).collect();
        assert_eq!((paths, got.distributions[0].first_binaries), (vec!["demo/run.exe"], false));
    }

    #[test]
    fn who_published_is_new_only_where_the_ecosystem_says_so() {
        let people = |publisher: Option<&str>, maintainers: Option<&[&str]>| People {
            publisher: publisher.map(str::to_owned),
            maintainers: maintainers.map(texts),
        };
        let check = |old: People, new: People, expect: Option<&str>| {
            let (a, b) = (report("1.0", |_| ()), report("1.1", |_| ()));
            assert_eq!(Delta::between((&a, &old), (&b, &new)).newcomer(), expect);
        };
        let ann = || people(Some("ann"), Some(&["ann", "bob"]));
        check(ann(), people(Some("bob"), Some(&["ann", "bob"])), None);
        check(ann(), people(Some("eve"), Some(&["eve", "bob"])), Some("eve"));
        check(ann(), people(Some("eve"), None), Some("eve"));
        check(people(None, None), people(Some("eve"), Some(&["eve"])), None);
        check(ann(), people(None, None), None);
    }
}
