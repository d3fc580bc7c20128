//! Counting what became of files.

use std::collections::HashMap;

use sigma_certificate::{DistributionEntry, FileLists};
use sigma_core::{DistributionKind, FileEntry, FileSet, printable};

use crate::prove::Proven;
use crate::report::{Files, MAX_NAMES, Outcome, PackageResult};
use crate::tree::Compared;

/// Lists of files by certificate, as anybody gave them.
pub type Lists = HashMap<String, Vec<FileLists>>;

/// Lists that a release is compared with.
const MAX_TRIES: usize = 16;

/// A count in the making.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub files: Files,
    /// What is wrong in all, names that are no longer listed included.
    pub wrong: usize,
    pub added: usize,
}

impl Tally {
    pub fn new(by: &'static str) -> Self {
        Self { files: Files { by, ..Files::default() }, ..Self::default() }
    }

    /// Notes how a listed file compares.
    pub fn note(&mut self, path: &str, compared: Compared) {
        match compared {
            Compared::Same => self.files.same += 1,
            Compared::Missing => {
                self.wrong += 1;
                push(&mut self.files.missing, path, "");
            }
            Compared::Changed(how) => {
                self.wrong += 1;
                push(&mut self.files.changed, path, how);
            }
        }
    }

    /// Notes a file that is on no list.
    pub fn add(&mut self, path: &str, how: &str) {
        self.added += 1;
        push(&mut self.files.added, path, how);
    }

    /// What it makes of a package that is compared with the list of this file.
    pub fn judge(&self, result: &mut PackageResult, file: &str) {
        if self.wrong > 0 {
            result.outcome = Outcome::Failed;
            result.reason = format!("{} of its files are not those of {file}", self.wrong);
        } else if self.added > 0 {
            result.outcome = result.outcome.max(Outcome::Undecided);
            result.reason.push_str(&format!("; {} files are not of {file}", self.added));
        }
    }
}

fn push(names: &mut Vec<String>, path: &str, how: &str) {
    if names.len() < MAX_NAMES {
        names.push(format!("{}{how}", printable(path, 300)));
    }
}

/// The files of a list by where they go; what lies inside of archives stays there. `place` says where, if anywhere.
pub(crate) fn placed<P: std::hash::Hash + Eq>(
    set: &FileSet,
    mut place: impl FnMut(&str) -> Option<P>,
) -> HashMap<P, Vec<&FileEntry>> {
    let mut places: HashMap<P, Vec<&FileEntry>> = HashMap::new();
    let paths: std::collections::HashSet<&str> = set.files.iter().map(|file| file.path.as_str()).collect();
    for file in &set.files {
        if let Some((outer, _)) = file.path.split_once("!/")
            && paths.contains(outer)
        {
            continue;
        }
        if let Some(place) = place(&file.path) {
            places.entry(place).or_default().push(file);
        }
    }
    places
}

/// Every believed list of the distributions of a kind, from certificates that are proven. Each distribution once.
pub(crate) fn believed<'p>(
    proven: &'p [Proven],
    kind: DistributionKind,
    lists: &Lists,
) -> Vec<(&'p DistributionEntry, FileSet)> {
    let mut found: Vec<(&DistributionEntry, FileSet)> = Vec::new();
    for one in proven {
        let (Some(payload), Some(id)) = (&one.payload, &one.report.certificate_id) else { continue };
        for entry in payload.distributions.iter().filter(|entry| entry.kind == kind) {
            if found.len() >= MAX_TRIES || found.iter().any(|(other, _)| other.sha256 == entry.sha256) {
                continue;
            }
            let given = lists.get(id).into_iter().flatten().flat_map(|lists| &lists.distributions);
            let of_entry = given.filter(|list| list.sha256 == entry.sha256);
            if let Some(set) = of_entry.cloned().find_map(|list| list.believe(entry).ok()) {
                found.push((entry, set));
            }
        }
    }
    found
}
