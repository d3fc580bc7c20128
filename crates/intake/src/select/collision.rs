//! Paths that are one file on some systems and two on others: what was reviewed would not be what runs.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::listing::{Kind, Listing};
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode};

/// A path as file systems that ignore case and composition see it.
fn folded(path: &str) -> String {
    match path.is_ascii() {
        true => path.to_ascii_lowercase(),
        false => path.nfd().collect::<String>().to_lowercase().nfc().collect(),
    }
}

/// Files and folders within the folder under review, or spelt as if they were, that share a place.
pub(super) fn find(listing: &Listing, folder: &str) -> Vec<IntakeProblem> {
    let around = folded(folder);
    let mut seen: BTreeMap<String, (&str, bool)> = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in &listing.entries {
        // A name that is refused for itself is a problem already.
        let refused = matches!(&entry.kind, Kind::Refused(code, _) if code.as_str().starts_with("path."));
        let whole = folded(&entry.path);
        if refused || (path::within(&around, &whole).is_none() && whole != around) {
            continue;
        }
        let folders = entry.path.match_indices('/').map(|(end, _)| (&entry.path[..end], false));
        for (part, is_file) in folders.chain([(entry.path.as_str(), true)]) {
            match seen.get(&folded(part)) {
                // The same folder, met again.
                Some((other, false)) if *other == part && !is_file => {}
                Some((other, _)) => {
                    let what = format!("`{other}` is the same path where case or composition do not count");
                    problems.push(IntakeProblem::new(ProblemCode::PathCollision, Some(&entry.path), what));
                    break;
                }
                None => {
                    seen.insert(folded(part), (part, is_file));
                }
            }
        }
    }
    problems
}
