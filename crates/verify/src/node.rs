//! `node_modules`: every package in it, and every file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use sigma_certificate::DistributionEntry;
use sigma_core::{DistributionKind, Ecosystem, ExpectedDigest, FileSet, PackageId, PackageName, printable};

use crate::compare::{Lists, Tally, believed, placed};
use crate::environment::shown;
use crate::prove::{Proven, Prover};
use crate::report::{Outcome, PackageResult, Section, SectionKind};
use crate::tree::{Kind, Shebang, Tree};
use crate::wanted::Wanted;

/// Bytes of a package.json.
const MAX_MANIFEST: u64 = 4 << 20;
/// Bytes of the hidden lockfile.
const MAX_LOCK: u64 = 64 << 20;
/// What installers leave beside the packages.
const NOTES: [&str; 5] =
    [".package-lock.json", ".modules.yaml", ".yarn-integrity", ".yarn-state.yml", ".pnpm/lock.yaml"];

/// A `node_modules`.
#[derive(Debug)]
pub(crate) struct Node {
    pub packages: Vec<Folder>,
    tree: Tree,
    problems: Vec<String>,
}

/// A package's folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub wanted: Wanted,
    path: String,
}

/// npm's hidden lockfile: which tarball lies where.
#[derive(Debug, Default, Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, LockEntry>,
}

#[derive(Debug, Default, Deserialize)]
struct LockEntry {
    #[serde(default)]
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
}

/// A folder, compared with the list of a certified tarball.
struct Compared<'p> {
    entry: &'p DistributionEntry,
    tally: Tally,
    owned: HashSet<String>,
}

impl Folder {
    /// What its certificates and its files come to.
    fn judged(
        &self,
        compared: Option<Compared<'_>>,
        prover: &Prover,
        proven: &[Proven],
        claimed: &mut HashSet<String>,
    ) -> PackageResult {
        let Some(Compared { entry, tally, owned }) = compared else {
            let mut result = prover.decide(&self.wanted, proven);
            if result.outcome <= Outcome::FreshnessUnknown {
                result.outcome = Outcome::Undecided;
                result.reason.push_str("; the list of its files is not at hand, so none of them was compared");
            }
            return result;
        };
        claimed.extend(owned);
        let wanted = Wanted { digests: vec![entry.sha256.into()], ..self.wanted.clone() };
        let mut result = prover.decide(&wanted, proven);
        let file = printable(&entry.filename, 120);
        tally.judge(&mut result, &file);
        result.files = Some(tally.files);
        result
    }
}

impl Node {
    /// Looks at a `node_modules`.
    pub fn scan(root: &Path) -> Self {
        let mut tree = Tree::walk(root);
        let mut problems = std::mem::take(&mut tree.problems);
        let lock = match tree.bytes(".package-lock.json", MAX_LOCK).map(|bytes| serde_json::from_slice::<Lock>(&bytes))
        {
            Some(Ok(lock)) => lock,
            Some(Err(_)) => {
                problems.push(
                    ".package-lock.json cannot be read: packages are known by their package.json alone".to_owned(),
                );
                Lock::default()
            }
            None => Lock::default(),
        };
        let mut packages = Vec::new();
        for path in
            tree.files.keys().filter_map(|path| path.strip_suffix("/package.json")).filter(|path| is_package(path))
        {
            let bytes = tree.bytes(&format!("{path}/package.json"), MAX_MANIFEST);
            let manifest = bytes.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
            let package = manifest.as_ref().and_then(|manifest| {
                PackageId::new(PackageName::new(Ecosystem::Npm, &manifest.name).ok()?, &manifest.version).ok()
            });
            // Folders with a package.json that names nothing are common in tests of packages; they are their parent's files.
            let Some(package) = package else { continue };
            if local_name(path) != package.name().as_str() {
                problems.push(format!("{} lies under the name {}", package, printable(local_name(path), 200)));
            }
            let entry = lock.packages.get(&format!("node_modules/{path}"));
            let integrity = entry.and_then(|entry| entry.integrity.as_deref()).unwrap_or_default();
            let digests: Vec<ExpectedDigest> = ExpectedDigest::parse_sri(integrity).unwrap_or_default();
            packages.push(Folder { wanted: Wanted::installed(package, path, digests), path: path.to_owned() });
        }
        let present: HashSet<&str> = packages.iter().map(|one| one.path.as_str()).collect();
        for (path, entry) in &lock.packages {
            let path = path.strip_prefix("node_modules/").unwrap_or(path);
            if !entry.link && !entry.optional && !path.is_empty() && !present.contains(path) {
                problems.push(format!("{} is not there, though .package-lock.json names it", printable(path, 300)));
            }
        }
        problems.truncate(1000);
        Self { packages, tree, problems }
    }

    /// Compares every file.
    pub fn compare(&self, prover: &Prover, proven: &[Vec<Proven>], lists: &Lists) -> Section {
        let folders: HashSet<&str> = self.packages.iter().map(|one| one.path.as_str()).collect();
        let mut files: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut stray = Vec::new();
        for path in self.tree.files.keys() {
            let ancestors = std::iter::successors(Some(path.as_str()), |path| path.rsplit_once('/').map(|(up, _)| up));
            match ancestors.skip(1).find(|folder| folders.contains(folder)) {
                Some(folder) => files.entry(folder).or_default().push(path),
                None => stray.push(path.as_str()),
            }
        }
        // Reading files is what takes time, and each folder is read by itself.
        let none = Vec::new();
        let mut best: Vec<Option<Compared<'_>>> = self
            .packages
            .par_iter()
            .zip(proven)
            .map(|(one, proven)| self.best(one, files.get(one.path.as_str()).unwrap_or(&none), proven, lists))
            .collect();
        let mut claimed: HashSet<String> = HashSet::new();
        let mut results = Vec::new();
        // Whoever bundles others in its tarball comes before them.
        let mut order: Vec<usize> = (0..self.packages.len()).collect();
        order.sort_by_key(|index| (self.packages[*index].path.matches('/').count(), &self.packages[*index].path));
        for index in order {
            let one = &self.packages[index];
            let mine = files.remove(one.path.as_str()).unwrap_or_default();
            if !mine.is_empty() && mine.iter().all(|path| claimed.contains(*path)) {
                continue;
            }
            let result = one.judged(best[index].take(), prover, &proven[index], &mut claimed);
            results.push(prover.settle(&one.wanted, result));
        }
        let mut problems = self.problems.clone();
        let mut added = Vec::new();
        for path in stray {
            if NOTES.contains(&path) || self.leads_inside(path) {
                continue;
            }
            let shown = printable(path, 300);
            match self.tree.files.get(path) {
                _ if prover.accepts(path) => problems.push(format!("{shown} belongs to no package; accepted")),
                Some(Kind::Link) => added.push(format!("{shown} (a link that leads elsewhere)")),
                _ => added.push(shown),
            }
        }
        let path = shown(&self.tree.root);
        Section::new(SectionKind::NodeEnvironment, path, results, problems).with_added(added).partial(self.tree.partial)
    }

    /// The signed list that a package's folder is most like.
    fn best<'p>(&self, one: &Folder, mine: &[&str], proven: &'p [Proven], lists: &Lists) -> Option<Compared<'p>> {
        let tried = believed(proven, DistributionKind::NpmTarball, lists).into_iter().map(|(entry, set)| {
            let (tally, owned) = self.against(one, mine, &set);
            Compared { entry, tally, owned }
        });
        tried.min_by_key(|compared| (compared.tally.wrong, compared.tally.added))
    }

    /// Compares a package's folder with the signed list of its tarball.
    fn against(&self, one: &Folder, mine: &[&str], set: &FileSet) -> (Tally, HashSet<String>) {
        let mut tally = Tally::new("signed-list");
        let inner: HashSet<&str> = set.files.iter().filter_map(|file| Some(file.path.split_once('/')?.1)).collect();
        let expected = placed(set, |path| {
            // The first folder of a tarball is dropped, whatever it is called.
            let path = path.strip_prefix("./").unwrap_or(path).split_once('/')?.1;
            // npm installs a .gitignore as .npmignore, unless there is one.
            let renamed = match path.strip_suffix(".gitignore") {
                Some(folder) if folder.is_empty() || folder.ends_with('/') => {
                    Some(format!("{folder}.npmignore")).filter(|other| !inner.contains(other.as_str()))
                }
                _ => None,
            };
            let kept = format!("{}/{path}", one.path);
            let renamed = renamed.map(|path| format!("{}/{path}", one.path));
            Some(
                renamed
                    .filter(|path| !self.tree.files.contains_key(&kept) && self.tree.files.contains_key(path))
                    .unwrap_or(kept),
            )
        });
        let mut ordered: Vec<_> = expected.iter().collect();
        ordered.sort_by_key(|(path, _)| *path);
        for (path, entries) in ordered {
            let name = path.strip_prefix(&one.path).unwrap_or(path).trim_start_matches('/');
            tally.note(name, self.tree.compare(path, entries, Shebang::LineEnd));
        }
        for path in mine.iter().filter(|path| !expected.contains_key(**path) && !self.leads_inside(path)) {
            let name = path.strip_prefix(&one.path).unwrap_or(path).trim_start_matches('/');
            tally.add(name, if self.tree.files.get(*path) == Some(&Kind::Link) { " (a link)" } else { "" });
        }
        (tally, expected.into_keys().collect())
    }

    /// Links to what lies in this very tree, as `.bin` and pnpm have them: what they lead to is compared where it lies.
    fn leads_inside(&self, path: &str) -> bool {
        if self.tree.files.get(path) != Some(&Kind::Link) {
            return false;
        }
        let in_modules = |path: &str| {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let last = parent.rsplit('/').next().unwrap_or_default();
            matches!(last, "" | ".bin" | "node_modules") || last.starts_with('@')
        };
        let target = self.tree.root.join(path).canonicalize();
        in_modules(path) && target.is_ok_and(|target| target.starts_with(&self.tree.root))
    }
}

/// The name under which a folder is found: what follows the last `node_modules`.
fn local_name(path: &str) -> &str {
    path.rsplit_once("node_modules/").map_or(path, |(_, name)| name)
}

/// `name` or `@scope/name` directly in a `node_modules`.
fn is_package(path: &str) -> bool {
    let local = match path.rsplit_once("node_modules/") {
        Some((before, local)) if before.is_empty() || before.ends_with('/') => local,
        Some(_) => return false,
        None => path,
    };
    let parts: Vec<&str> = local.split('/').collect();
    match parts[..] {
        [name] => !name.starts_with(['.', '@']),
        [scope, name] => scope.starts_with('@') && !name.starts_with('.'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_lie_directly_in_node_modules() {
        let check = |path: &str, expect: bool| assert_eq!(is_package(path), expect, "{path}");
        check("lodash", true);
        check("@babel/core", true);
        check("lodash/fp", false);
        check("@babel", false);
        check(".bin", false);
        check("a/node_modules/b", true);
        check("a/node_modules/@c/d", true);
        check(".pnpm/a@1.0.0/node_modules/a", true);
        check("a/node_modules/b/test", false);
        check("a_node_modules/b", false);
    }
}
