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

mod compare;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Capability, Category, DistributionKind, People, Reach, Report, Severity, Step, printable};

use compare::Pair;

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
