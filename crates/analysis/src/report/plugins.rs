//! Functions that setuptools calls in every build beside which the package is installed, because the package says so.
//!
//! In: lines of `entry_points.txt` and `setup.cfg` with the group they stand in, and the files of the package. Out: the
//! functions that run without anybody naming the package. Plugins of test runners are not among them: who installs one wants
//! it to report. Nothing is imported.

use super::FileRecord;
use super::reach::{SOURCES, Stems};

/// A function that setuptools calls by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plugin {
    /// Dotted name of its module.
    pub module: String,
    /// Its own name.
    pub function: String,
}

/// The plugin that a line of a group declares: `egg_info.writers` and `pkg:write`.
pub(super) fn of_line(group: &str, target: &str) -> Option<Plugin> {
    const GROUPS: [&str; 3] =
        ["distutils.setup_keywords", "egg_info.writers", "setuptools.finalize_distribution_options"];
    let (module, function) = target.split(['[', '#']).next()?.split_once(':')?;
    let (module, function) = (module.trim().to_owned(), function.trim().to_owned());
    (GROUPS.contains(&group) && !module.is_empty() && module.len() <= 200).then_some(Plugin { module, function })
}

/// The functions, by file and number; `stems` are those of the files.
pub(super) fn functions(plugins: &[Plugin], files: &[FileRecord], stems: &Stems<'_>) -> Vec<(usize, u32)> {
    let mut all = Vec::new();
    for plugin in plugins {
        let path = plugin.module.replace('.', "/");
        let Some(file) = stems.find(&path).or_else(|| stems.find(&format!("{SOURCES}{path}"))) else { continue };
        let called = files[file].outcome.links.export(&plugin.function);
        all.extend(called.and_then(|export| Some((file, export.function?))));
    }
    all
}
