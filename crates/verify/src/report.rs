//! What was proven, and what was not: the answer, as it is printed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sigma_core::{
    CouncilVerdict, Depth, Ecosystem, PackageId, PackageName, SecurityLevel, Sha256, Timestamp, printable,
};
use sigma_ledger::{AnchorClaim, Check};

use crate::chain::ChainFacts;
use crate::wanted::Wanted;

/// How something ended. The order is the weight: what is known to be wrong outweighs what is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that was asked is proven.
    Proven,
    /// Proven to be blocked, but deeper than decides anything.
    Advisory,
    /// Proven, but whether it was revoked since is not known.
    FreshnessUnknown,
    /// It could not be decided: no certificate, no list of files, files that nobody vouches for.
    Undecided,
    /// A certificate speaks against it, or does not hold, or the files are not those that it names.
    Failed,
}

/// The whole answer. Field names and words are stable; members may be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// `sigma-verification/1`.
    pub schema: &'static str,
    /// The heaviest outcome of all.
    pub outcome: Outcome,
    /// The pinned root that everything was verified against.
    pub root: RootFacts,
    /// Where bundles and lists came from; nothing of what is said here depends on believing it.
    pub source: String,
    /// The status list that certificates were looked up in; `null` where none could be verified.
    pub status: Option<StatusFacts>,
    /// What a node of a chain said; `null` where none was asked.
    pub chain: Option<ChainFacts>,
    /// What was looked at.
    pub sections: Vec<Section>,
    /// What none of this proves, in sentences.
    pub not_proven: Vec<String>,
}

/// The pinned root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RootFacts {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its document.
    pub sha256: Sha256,
}

/// The status list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusFacts {
    /// When it held.
    pub as_of: Timestamp,
    /// When it stops to say anything.
    pub expires: Timestamp,
    /// Whether it still says something.
    pub fresh: bool,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// Where it lies, printable.
    pub path: String,
    /// Its packages.
    pub packages: Vec<PackageResult>,
    /// Files of an environment that belong to no package, at most 200.
    pub added: Vec<String>,
    /// How many there are in all.
    pub added_total: u64,
    /// What else was found out.
    pub problems: Vec<String>,
    /// The heaviest outcome in it.
    pub outcome: Outcome,
    /// Of an environment: whether its versions were compared with those of a lockfile.
    pub compared_with_lockfile: bool,
}

/// Kinds of [`Section`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKind {
    /// One distribution.
    File,
    /// A lockfile, or requirements with digests.
    Lockfile,
    /// `site-packages`.
    PythonEnvironment,
    /// `node_modules`.
    NodeEnvironment,
}

/// What is known about one package.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageResult {
    /// The exact package, where it is known.
    pub package: Option<String>,
    /// The file's name, the place in the lockfile, the folder.
    pub subject: String,
    /// How far it is from the project; `null` where that is not known.
    pub depth: Option<Depth>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub reason: String,
    /// The certificate that answers.
    pub certificate: Option<CertificateFacts>,
    /// Digests that the project allows.
    pub pinned: u64,
    /// How many of them the certificate covers.
    pub covered: u64,
    /// What became of the installed files; `null` where none were looked at.
    pub files: Option<Files>,
    /// Every check of the certificate's bundle.
    pub checks: Vec<Check>,
    /// What has to be on a chain, as the bundle says and its proof allows.
    #[serde(skip)]
    pub anchor: Option<AnchorClaim>,
}

/// The certificate that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFacts {
    /// Its id.
    pub id: String,
    /// APPROVED or REJECTED.
    pub verdict: CouncilVerdict,
    /// The level that was sealed.
    pub level: SecurityLevel,
    /// When.
    pub certified_at: Timestamp,
    /// The version of the rules.
    pub ruleset_version: String,
    /// Where it is in the log.
    pub log_index: Option<u64>,
}

/// Installed files, compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// By what: `signed-list`, the list that hashes to the signed file-set hash; `source-list`, the same of a source
    /// distribution that was built here; `record`, only what the installer wrote down, which proves nothing.
    pub by: &'static str,
    /// Files that are what the list says.
    pub same: u64,
    /// Files with other bytes, at most 200 names.
    pub changed: Vec<String>,
    /// Files that are not there, at most 200 names.
    pub missing: Vec<String>,
    /// Files that the list does not have, at most 200 names.
    pub added: Vec<String>,
    /// Start scripts that are letter for letter what an installer writes for a certified entry point.
    pub launchers: u64,
    /// The installer's own notes, such as `RECORD`.
    pub notes: u64,
    /// Compiled byte code (`__pycache__`), which was not compared with anything.
    pub byte_code: u64,
}

/// Names that are listed of a kind.
pub(crate) const MAX_NAMES: usize = 200;

impl Section {
    /// Puts a section together.
    pub fn new(kind: SectionKind, path: String, packages: Vec<PackageResult>, problems: Vec<String>) -> Self {
        let outcome = packages.iter().map(|one| one.outcome).max().unwrap_or(Outcome::Undecided);
        Self {
            kind,
            path,
            packages,
            added: Vec::new(),
            added_total: 0,
            problems,
            outcome,
            compared_with_lockfile: false,
        }
    }

    /// Compares the versions of an environment with those that lockfiles of its ecosystem name. Another version than any of
    /// them leaves it undecided: nobody asked for it.
    pub fn against(mut self, locked: &[Wanted]) -> Self {
        let ecosystem = match self.kind {
            SectionKind::PythonEnvironment => Ecosystem::Pypi,
            SectionKind::NodeEnvironment => Ecosystem::Npm,
            SectionKind::File | SectionKind::Lockfile => return self,
        };
        let mut versions: BTreeMap<&PackageName, BTreeSet<&str>> = BTreeMap::new();
        for package in locked.iter().filter_map(|wanted| wanted.package.as_ref()) {
            if package.ecosystem() == ecosystem {
                versions.entry(package.name()).or_default().insert(package.version());
            }
        }
        if versions.is_empty() {
            return self;
        }
        self.compared_with_lockfile = true;
        let mut missing: BTreeSet<&PackageName> = versions.keys().copied().collect();
        for package in self.packages.iter().filter_map(|one| one.package.as_ref()?.parse::<PackageId>().ok()) {
            missing.remove(package.name());
            let Some(named) = versions.get(package.name()).filter(|named| !named.contains(package.version())) else {
                continue;
            };
            let named = named.iter().copied().collect::<Vec<_>>().join(", ");
            self.problems.push(format!("{package} is installed, the lockfile names {}", printable(&named, 120)));
            self.outcome = self.outcome.max(Outcome::Undecided);
        }
        if !missing.is_empty() {
            self.problems.push(format!("{} packages of the lockfile are not installed here", missing.len()));
        }
        self
    }

    /// What was not looked at may be anything: it leaves the section undecided.
    pub(crate) fn partial(mut self, partial: bool) -> Self {
        if partial {
            self.outcome = self.outcome.max(Outcome::Undecided);
        }
        self
    }

    /// Files that belong to no package leave it undecided: nobody vouches for them.
    pub fn with_added(mut self, mut added: Vec<String>) -> Self {
        self.added_total = added.len() as u64;
        added.truncate(MAX_NAMES);
        self.added = added;
        if self.added_total > 0 {
            self.outcome = self.outcome.max(Outcome::Undecided);
        }
        self
    }
}

impl Verification {
    /// Puts the answer together. Nothing to look at is nothing decided.
    pub fn new(
        root: (u64, Sha256),
        source: String,
        status: Option<StatusFacts>,
        chain: Option<ChainFacts>,
        sections: Vec<Section>,
    ) -> Self {
        let outcome = sections.iter().map(|section| section.outcome).max().unwrap_or(Outcome::Undecided);
        let mut not_proven = vec![
            "That no newer certificate speaks otherwise: only what is revoked is listed, not what was superseded.".to_owned(),
            "What a certificate does not cover: files of a release that were not read, and what the analysis does not see."
                .to_owned(),
        ];
        match &chain {
            Some(asked) if asked.there == asked.certificates => {}
            Some(asked) => {
                let open = asked.certificates - asked.there;
                not_proven.push(format!("That {open} of {} certificates are on a chain.", asked.certificates));
            }
            // Of a file, the check says so itself.
            None if sections.iter().any(|section| section.kind != SectionKind::File) => {
                not_proven.push("That the log's root was put on a chain: no node was asked.".to_owned());
            }
            None => {}
        }
        if !status.as_ref().is_some_and(|status| status.fresh) {
            not_proven.push("That nothing was revoked since: no status list that still holds is at hand.".to_owned());
        }
        let environment =
            |section: &Section| matches!(section.kind, SectionKind::PythonEnvironment | SectionKind::NodeEnvironment);
        if sections.iter().any(environment) {
            not_proven.push(
                "The interpreter, and whatever lies outside site-packages and node_modules, but for what RECORD names."
                    .to_owned(),
            );
        }
        if sections.iter().any(|section| environment(section) && !section.compared_with_lockfile) {
            not_proven.push("That the versions which are installed are the ones that a lockfile names.".to_owned());
        }
        if sections
            .iter()
            .any(|section| section.packages.iter().any(|one| one.files.as_ref().is_some_and(|f| f.byte_code > 0)))
        {
            not_proven.push(
                "Byte code in __pycache__: Python runs it in the place of the source. Delete it to be sure.".to_owned(),
            );
        }
        let root = RootFacts { version: root.0, sha256: root.1 };
        Self { schema: "sigma-verification/1", outcome, root, source, status, chain, sections, not_proven }
    }
}
