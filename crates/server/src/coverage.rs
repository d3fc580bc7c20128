//! The most used packages, for coverage: what is shipped, and how a newer list is read.

use std::collections::HashSet;

use serde::Deserialize;
use sigma_core::{Ecosystem, PackageName};
use sigma_store::PopularList;

/// Names that are kept of a list: the longest benchmark.
const MAX_NAMES: usize = 1000;

/// Why a text is not a list of the most used packages.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is no JSON of a shape that is known.
    #[error("got JSON of an unknown shape, expected an array of names, or an object with `rows` or `packages`: {0}")]
    Shape(#[from] serde_json::Error),
    /// A line or entry is no package name.
    #[error("entry {entry}: {source}")]
    Name {
        /// Which one, from 1 on.
        entry: usize,
        /// What is wrong with it.
        source: sigma_core::NameError,
    },
    /// There is hardly anything in it.
    #[error("got {0} names, expected at least 100")]
    Short(usize),
}

/// The list that is shipped with this version.
pub(crate) fn shipped(ecosystem: Ecosystem) -> PopularList {
    let text = match ecosystem {
        Ecosystem::Pypi => include_str!("coverage/pypi.txt"),
        Ecosystem::Npm => include_str!("coverage/npm.txt"),
    };
    let header = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    PopularList {
        ecosystem,
        source: header("source"),
        taken_on: header("taken on"),
        names: text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect(),
    }
}

/// Shapes in which such lists are published.
#[derive(Deserialize)]
#[serde(untagged)]
enum Published {
    /// An array of names.
    Names(Vec<String>),
    /// `{"packages": ["name", ...]}`.
    Packages { packages: Vec<String> },
    /// `{"rows": [{"project": "name", ...}, ...]}`.
    Rows { rows: Vec<Row> },
}

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "name", alias = "package")]
    project: String,
}

/// Reads a list, the most used first: names one a line (`#` begins a comment), or one of the usual shapes in JSON.
pub fn popular_list(
    ecosystem: Ecosystem,
    text: &str,
    source: String,
    taken_on: String,
) -> Result<PopularList, ListError> {
    let raw: Vec<String> = if text.trim_start().starts_with(['[', '{']) {
        match serde_json::from_str(text)? {
            Published::Names(names) | Published::Packages { packages: names } => names,
            Published::Rows { rows } => rows.into_iter().map(|row| row.project).collect(),
        }
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for (index, name) in raw.iter().enumerate() {
        let name = PackageName::new(ecosystem, name).map_err(|source| ListError::Name { entry: index + 1, source })?;
        if seen.insert(name.clone()) {
            names.push(name.as_str().to_owned());
        }
        if names.len() == MAX_NAMES {
            break;
        }
    }
    if names.len() < 100 {
        return Err(ListError::Short(names.len()));
    }
    Ok(PopularList { ecosystem, source, taken_on, names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_are_lists() {
        for ecosystem in [Ecosystem::Pypi, Ecosystem::Npm] {
            let list = shipped(ecosystem);
            assert!(!list.source.is_empty() && list.taken_on.len() == 10, "{list:?}");
            let read = popular_list(ecosystem, &list.names.join("\n"), list.source.clone(), list.taken_on.clone());
            assert_eq!(read.unwrap(), list, "normalised, without doubles");
            assert_eq!(list.names.len(), MAX_NAMES);
        }
    }

    #[test]
    fn lists_are_read_in_the_usual_shapes() {
        let names: Vec<String> = (0..150).map(|number| format!("Name.{number}")).collect();
        let check = |text: String| {
            let list = popular_list(Ecosystem::Pypi, &text, "s".to_owned(), "2026-01-01".to_owned()).unwrap();
            assert_eq!((list.names.len(), list.names[7].as_str()), (150, "name-7"));
        };
        check(names.join("\n"));
        check(serde_json::json!(names).to_string());
        check(serde_json::json!({"packages": names, "downloaded_timestamp": 1}).to_string());
        let rows: Vec<_> = names.iter().map(|name| serde_json::json!({"download_count": 5, "project": name})).collect();
        check(serde_json::json!({"rows": rows, "last_update": "x"}).to_string());
        let read = |text: &str| popular_list(Ecosystem::Npm, text, String::new(), String::new());
        assert!(matches!(read("[\"a\"]"), Err(ListError::Short(1))));
        assert!(matches!(read("../etc\n"), Err(ListError::Name { entry: 1, .. })));
        assert!(matches!(read("{\"x\": 1}"), Err(ListError::Shape(_))));
    }
}
