//! `site-packages`: every `*.dist-info` in it, and every file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sigma_core::{DistributionKind, FileSet, Sha256, printable};

use crate::compare::{Lists, Tally, believed, placed};
use crate::dist::{Dist, MAX_METADATA, NOTES, Place, dist, fits, is_byte_code, place_of};
use crate::environment::shown;
use crate::launcher::{entry_point, is_launcher};
use crate::prove::{Proven, Prover};
use crate::record::{self, Line};
use crate::report::{Outcome, PackageResult, Section, SectionKind};
use crate::tree::{Compared, Kind, Shebang, Tree, bytes_inside, compare_digest, compare_inside};
use crate::wanted::Wanted;

/// Bytes of a start script.
const MAX_LAUNCHER: u64 = 8 << 10;
/// A `site-packages`.
#[derive(Debug)]
pub(crate) struct Python {
    pub packages: Vec<Dist>,
    tree: Tree,
    /// The environment's root, which scripts and data are installed into, and where the tree lies in it.
    prefix: PathBuf,
    base: Vec<String>,
    problems: Vec<String>,
}

impl Python {
    /// Looks at a `site-packages`.
    pub fn scan(site: &Path, prefix: Option<&Path>) -> Self {
        let mut tree = Tree::walk(site);
        let mut problems = std::mem::take(&mut tree.problems);
        let prefix = prefix.unwrap_or(site).to_owned();
        let base = site.strip_prefix(&prefix).unwrap_or(Path::new(""));
        let base = base.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let mut folders: Vec<String> = tree
            .files
            .keys()
            .filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
            .filter(|folder| folder.ends_with(".dist-info"))
            .map(str::to_owned)
            .collect();
        folders.dedup();
        let older = tree.files.keys().filter(|path| path.contains(".egg-info/PKG-INFO")).count();
        if older > 0 {
            problems.push(format!("{older} package(s) are installed as .egg-info, which is not read"));
        }
        let mut packages = Vec::new();
        for folder in folders {
            match dist(&tree, &folder) {
                Ok(dist) => packages.push(dist),
                Err(why) => problems.push(format!("{}: {why}", printable(&folder, 200))),
            }
        }
        Self { packages, tree, prefix, base, problems }
    }

    /// Compares every file.
    pub fn compare(&self, prover: &Prover, proven: &[Vec<Proven>], lists: &Lists) -> Section {
        let each: Vec<(PackageResult, HashSet<String>)> =
            self.packages.par_iter().zip(proven).map(|(dist, proven)| self.one(dist, prover, proven, lists)).collect();
        let mut owned = HashSet::new();
        let mut results = Vec::new();
        for (result, mine) in each {
            results.push(result);
            owned.extend(mine);
        }
        let mut problems = self.problems.clone();
        let left = self.tree.files.iter().filter(|(path, _)| !owned.contains(*path));
        let (byte_code, left): (Vec<_>, Vec<_>) = left.partition(|(path, _)| is_byte_code(path));
        if !byte_code.is_empty() {
            problems.push(format!("{} files of byte code that no RECORD names were not compared", byte_code.len()));
        }
        let (accepted, left): (Vec<_>, Vec<_>) = left.into_iter().partition(|(path, _)| prover.accepts(path));
        problems.extend(
            accepted.iter().map(|(path, _)| format!("{} belongs to no package; accepted", printable(path, 300))),
        );
        let added = left.into_iter().map(|(path, kind)| match kind {
            Kind::File(_) => printable(path, 300),
            Kind::Link => format!("{} (a link)", printable(path, 300)),
            Kind::Other => format!("{} (no regular file)", printable(path, 300)),
        });
        let path = shown(&self.tree.root);
        Section::new(SectionKind::PythonEnvironment, path, results, problems)
            .with_added(added.collect())
            .partial(self.tree.partial)
    }

    fn one(&self, dist: &Dist, prover: &Prover, proven: &[Proven], lists: &Lists) -> (PackageResult, HashSet<String>) {
        let tried = believed(proven, DistributionKind::Wheel, lists).into_iter().map(|(entry, set)| {
            let (tally, owned) = self.against(dist, &set);
            (entry, tally, owned)
        });
        let best = tried.min_by_key(|(_, tally, _)| (tally.wrong, tally.added));
        let (mut result, tally, owned) = match best {
            Some((entry, tally, owned)) => {
                let digests = vec![entry.sha256.into()];
                let wanted = Wanted { digests, ..dist.wanted.clone() };
                let mut result = prover.decide(&wanted, proven);
                let file = printable(&entry.filename, 120);
                if tally.wrong > 0 && !fits(&entry.filename, &dist.tags) {
                    result.outcome = result.outcome.max(Outcome::Undecided);
                    result.reason = format!("installed from another file of the release than the certified {file}");
                } else {
                    tally.judge(&mut result, &file);
                }
                (result, tally, owned)
            }
            None => self.without_list(dist, prover, proven, lists),
        };
        result.files = Some(tally.files);
        (prover.settle(&dist.wanted, result), owned)
    }

    /// No list of a certified wheel is at hand.
    fn without_list(
        &self,
        dist: &Dist,
        prover: &Prover,
        proven: &[Proven],
        lists: &Lists,
    ) -> (PackageResult, Tally, HashSet<String>) {
        let mut result = prover.decide(&dist.wanted, proven);
        let certified = result.outcome <= Outcome::FreshnessUnknown;
        result.outcome = result.outcome.max(Outcome::Undecided);
        let lines = dist.lines.as_deref().unwrap_or_default();
        let sources = believed(proven, DistributionKind::Sdist, lists);
        let wheels = proven.iter().filter_map(|one| one.payload.as_ref()).flat_map(|one| &one.distributions);
        let any_wheel = wheels.into_iter().any(|entry| entry.kind == DistributionKind::Wheel);
        let (tally, owned) = match sources.first() {
            Some((_, set)) if certified && !any_wheel => self.by_source(dist, lines, set),
            _ => self.by_record(dist, lines),
        };
        if dist.editable {
            result.reason = "installed as editable: it is a folder somewhere, not a distribution".to_owned();
        } else if dist.lines.is_none() {
            result.reason.push_str("; it has no RECORD that can be read, so none of its files was compared");
        } else if tally.files.by == "source-list" {
            let (same, all) = (tally.files.same, tally.files.same + tally.added as u64);
            result.reason =
                format!("built here from source: {same} of {all} files are in the certified source as they are");
        } else if certified {
            result.reason.push_str("; the list of its files is not at hand, so only RECORD was compared");
        }
        if tally.wrong > 0 {
            result.outcome = Outcome::Failed;
            result.reason.push_str(&format!("; {} files are not what its own RECORD says", tally.wrong));
        }
        (result, tally, owned)
    }

    /// Compares what is installed with the signed list of a wheel.
    fn against(&self, dist: &Dist, set: &FileSet) -> (Tally, HashSet<String>) {
        let mut tally = Tally::new("signed-list");
        let record = format!("{}/RECORD", dist.folder);
        let expected = placed(set, |path| if path == record { None } else { place_of(path) });
        let lines = dist.lines.as_deref().unwrap_or_default();
        let bin = self.prefix.join("bin");
        let mut owned = HashSet::from([record]);
        // Where the files below the prefix are, which only RECORD knows.
        let mut elsewhere: HashSet<String> = HashSet::new();
        let outside: Vec<String> = lines.iter().filter_map(|line| self.outside(&line.path)).collect();
        let mut ordered: Vec<_> = expected.iter().collect();
        ordered.sort_by_key(|(_, entries)| &entries[0].path);
        for (place, entries) in ordered {
            let compared = match place {
                Place::Site(path) => {
                    owned.insert(path.clone());
                    self.tree.compare(path, entries, Shebang::Kept)
                }
                Place::Script(name) => {
                    let path = format!("bin/{name}");
                    let compared = compare_inside(&self.prefix, &path, entries, Shebang::Interpreter(&bin));
                    elsewhere.insert(path);
                    compared
                }
                Place::Elsewhere(rest) => {
                    let ends = |path: &&String| {
                        path.strip_suffix(rest.as_str()).is_some_and(|p| p.is_empty() || p.ends_with('/'))
                    };
                    match outside.iter().find(ends) {
                        Some(path) => {
                            elsewhere.insert(path.clone());
                            compare_inside(&self.prefix, path, entries, Shebang::Kept)
                        }
                        None => Compared::Missing,
                    }
                }
            };
            tally.note(&entries[0].path, compared);
        }
        let points = self.entry_points(dist, &tally);
        for line in lines {
            if let Some(path) = self.within(&line.path) {
                if !owned.contains(&path) && self.tree.files.contains_key(&path) {
                    self.not_listed(dist, &path, &mut tally);
                }
                owned.insert(path);
            } else if let Some(path) = self.outside(&line.path) {
                if !elsewhere.contains(&path) {
                    self.script(&path, points.as_deref(), &mut tally);
                }
            } else {
                tally.add(&line.path, " (leads out of the environment; it was not opened)");
            }
        }
        (tally, owned)
    }

    /// The text of the certified `entry_points.txt`.
    fn entry_points(&self, dist: &Dist, tally: &Tally) -> Option<String> {
        let path = format!("{}/entry_points.txt", dist.folder);
        if tally.files.changed.iter().chain(&tally.files.missing).any(|name| name.starts_with(&path)) {
            return None;
        }
        String::from_utf8(self.tree.bytes(&path, MAX_METADATA)?).ok()
    }

    /// A file outside of `site-packages` that is not in the wheel: a start script, or something else.
    fn script(&self, path: &str, points: Option<&str>, tally: &mut Tally) {
        if self.prefix.join(path).symlink_metadata().is_err() {
            return; // Nothing is there.
        }
        let Some(bytes) = bytes_inside(&self.prefix, path, MAX_LAUNCHER) else {
            return tally.add(path, "");
        };
        let object = path.strip_prefix("bin/").zip(points).and_then(|(name, points)| entry_point(points, name));
        let text = String::from_utf8_lossy(&bytes);
        match object {
            Some(object) if is_launcher(&text, object, &self.prefix.join("bin")) => tally.files.launchers += 1,
            _ if is_byte_code(path) => tally.files.byte_code += 1,
            _ => tally.add(path, ""),
        }
    }

    /// A file that RECORD names and no list does.
    fn not_listed(&self, dist: &Dist, path: &str, tally: &mut Tally) {
        let note = path.strip_prefix(&dist.folder).and_then(|rest| rest.strip_prefix('/'));
        match note {
            Some(note) if NOTES.contains(&note) => tally.files.notes += 1,
            _ if is_byte_code(path) => tally.files.byte_code += 1,
            _ => tally.add(path, ""),
        }
    }

    /// Compares what is installed with what the installer wrote down.
    fn by_record(&self, dist: &Dist, lines: &[Line]) -> (Tally, HashSet<String>) {
        let mut tally = Tally::new("record");
        let mut owned = HashSet::new();
        for line in lines {
            let Some(path) = self.resolve(&line.path) else {
                tally.add(&line.path, " (leads out of the environment; it was not opened)");
                continue;
            };
            let within = self.within(&line.path);
            match line.sha256 {
                Some(sha256) => tally.note(&line.path, compare_digest(&self.prefix, &path, sha256)),
                None => {
                    if let Some(path) = within.as_ref().filter(|path| self.tree.files.contains_key(*path)) {
                        self.not_listed(dist, path, &mut tally);
                    }
                }
            }
            owned.extend(within);
        }
        (tally, owned)
    }

    /// Looks for the files, by their bytes alone, in a certified source distribution.
    fn by_source(&self, dist: &Dist, lines: &[Line], set: &FileSet) -> (Tally, HashSet<String>) {
        let mut tally = Tally::new("source-list");
        let known: HashSet<Sha256> = set.files.iter().map(|file| file.sha256).collect();
        let mut owned = HashSet::new();
        for path in lines.iter().filter_map(|line| self.within(&line.path)) {
            let is_known = || {
                let digest = crate::tree::hash(&self.tree.root.join(&path)).ok();
                digest.is_some_and(|digest| known.contains(&digest))
            };
            match self.tree.files.get(&path) {
                Some(Kind::File(_)) if is_known() => tally.files.same += 1,
                Some(_) => self.not_listed(dist, &path, &mut tally),
                None => {}
            }
            owned.insert(path);
        }
        (tally, owned)
    }

    fn base(&self) -> Vec<&str> {
        self.base.iter().map(String::as_str).collect()
    }

    /// Where a path of RECORD lies below the prefix.
    fn resolve(&self, path: &str) -> Option<String> {
        record::resolve(&self.base(), path)
    }

    /// Where it lies in `site-packages`, if it does.
    fn within(&self, path: &str) -> Option<String> {
        let path = self.resolve(path)?;
        match self.base.is_empty() {
            true => Some(path),
            false => path.strip_prefix(&self.base.join("/"))?.strip_prefix('/').map(str::to_owned),
        }
    }

    /// Where it lies below the prefix, if that is not in `site-packages`.
    fn outside(&self, path: &str) -> Option<String> {
        let resolved = self.resolve(path)?;
        self.within(path).is_none().then_some(resolved)
    }
}
