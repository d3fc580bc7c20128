//! What a declared entry point reaches, for a tree that is started rather than imported.
//!
//! In: the files of the tree, and one of them. Out: every function that starting that file may run, over imports, calls, and
//! files that calls start by name. A function that somebody may call without naming it (a method, a decorated one, one that
//! is kept in an object) counts as reached with its file: what is told to be unreachable must be so for every caller that
//! can be seen. A call through a name that is made up at run time cannot.

use hashbrown::{HashMap, HashSet};

use super::FileRecord;
use super::link::Linked;
use super::reach::{Stems, folder_of, paths_of};
use crate::facts::When;

/// Functions that are followed.
const MAX_FUNCTIONS: usize = 200_000;

/// The functions that are reached, by file; 0 is the file itself.
pub(super) struct Reached(HashSet<(usize, u32)>);

impl Reached {
    /// Follows the file at this path inside the tree; nothing when there is no such source.
    pub fn from(entry: &str, files: &[FileRecord]) -> Option<Self> {
        let stems = Stems::of(files.iter().map(|file| file.inner.as_str()).zip(0..));
        let start = stems.exact(entry).filter(|index| files[*index].is_program())?;
        let linked = Linked::new(files, &stems);
        let names = Named::of(&stems);
        let mut reached: HashSet<(usize, u32)> = HashSet::new();
        let mut queue = vec![(start, 0)];
        // Whoever starts the file may ask it for what it exports, and what stands under its guard runs.
        let links = &files[start].outcome.links;
        queue.extend(links.main.iter().map(|function| (start, *function)));
        let mut offered: Vec<u32> = links.exports.values().filter_map(|export| export.function).collect();
        offered.sort_unstable();
        queue.extend(offered.into_iter().map(|function| (start, function)));
        while let Some((file, function)) = queue.pop() {
            if reached.len() >= MAX_FUNCTIONS || !reached.insert((file, function)) {
                continue;
            }
            let outcome = &files[file].outcome;
            if function == 0 {
                queue.extend(outcome.links.open.iter().map(|open| (file, *open)));
            }
            queue.extend(linked.callees(file, function));
            let folder = folder_of(&files[file].inner);
            for (module, _) in outcome.modules.iter().filter(|(_, importer)| *importer == function) {
                // Python looks for modules beside the file that was started.
                let beside = folder_of(entry);
                paths_of(folder, module, |path| queue.extend(stems.find(path).map(|file| (file, 0))));
                if !beside.is_empty() && !module.starts_with(['.', '/']) {
                    let path = |path: &str| stems.find(&format!("{beside}/{path}"));
                    paths_of("", module, |named| queue.extend(path(named).map(|file| (file, 0))));
                }
            }
            for (name, _) in outcome.links.started.iter().filter(|(_, starter)| *starter == function) {
                if let Some(next) = names.find(name, folder) {
                    queue.push((next, 0));
                    queue.extend(files[next].outcome.links.main.iter().map(|function| (next, *function)));
                }
            }
        }
        Some(Self(reached))
    }

    /// Whether what stands in a function of a file is reached; nothing for what is no program. Of a file of which not all
    /// is known, every function is.
    pub fn holds(&self, index: usize, file: &FileRecord, when: When, function: u32) -> Option<bool> {
        let whole = self.0.contains(&(index, 0)) && (when == When::Load || file.outcome.links.is_cut());
        file.is_program().then(|| whole || self.0.contains(&(index, function)))
    }
}

/// Files by what a call names them when it starts them.
pub(super) struct Named<'p> {
    stems: &'p Stems<'p>,
    /// By the last part of the path; nothing where several end so.
    by_name: HashMap<&'p str, Option<usize>>,
}

impl<'p> Named<'p> {
    /// These files.
    pub fn of(stems: &'p Stems<'p>) -> Self {
        let mut by_name: HashMap<&str, Option<usize>> = HashMap::new();
        for (path, index) in stems.paths() {
            by_name.entry(file_name(path)).and_modify(|known| *known = None).or_insert(Some(index));
        }
        Self { stems, by_name }
    }

    /// The file that a name means: beside the caller, from the top, or the only one that ends so.
    pub fn find(&self, name: &str, folder: &str) -> Option<usize> {
        let name = name.trim_start_matches("./").trim_start_matches("?/");
        let beside = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let direct = self.stems.exact(&beside).or_else(|| self.stems.exact(name));
        direct.or_else(|| self.by_name.get(file_name(name)).copied().flatten())
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
