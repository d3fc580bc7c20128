//! The folder under review.

use crate::listing::Listing;
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode};

use super::{SKILL, Wanted};

/// Files that declare dependencies or make a folder a project, by name.
const MANIFESTS: &[&str] = &[
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "pylock.toml",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
];

/// Whether a file of this name declares dependencies. `requirements-dev.txt` and `requirements.in` do.
pub(super) fn is_manifest(name: &str) -> bool {
    let requirements = name.starts_with("requirements") && (name.ends_with(".txt") || name.ends_with(".in"));
    requirements || MANIFESTS.contains(&name)
}

/// The folder under review, or nothing where it cannot be told.
pub(super) fn folder(
    listing: &Listing,
    wanted: &Wanted<'_>,
    entry: Option<&str>,
    problems: &mut Vec<IntakeProblem>,
) -> Option<String> {
    if wanted.category.has_code() {
        if wanted.folder.is_some() {
            let what = "a folder and an entry point are named";
            problems.push(IntakeProblem::new(ProblemCode::FolderUnexpected, wanted.folder, what));
        }
        return of_entry(listing, wanted, entry?, problems);
    }
    let skills: Vec<&str> =
        listing.files().filter(|file| path::name(file) == SKILL).map(path::parent).take(100).collect();
    let missing = |problems: &mut Vec<IntakeProblem>, at: Option<&str>| {
        problems.push(IntakeProblem::new(ProblemCode::SkillMissing, at, no_skill(listing)));
    };
    match (wanted.folder, skills.as_slice()) {
        (Some(folder), _) => {
            let folder = folder.trim_end_matches('/').trim_start_matches("./");
            let folder = if folder == "." { "" } else { folder };
            if skills.contains(&folder) {
                return Some(folder.to_owned());
            }
            match listing.entries.iter().any(|entry| path::within(folder, &entry.path).is_some()) {
                true => missing(problems, Some(folder)),
                false => problems.push(IntakeProblem::new(ProblemCode::FolderNotFound, Some(folder), "no such folder")),
            }
            None
        }
        (None, []) => {
            missing(problems, None);
            None
        }
        (None, [only]) => Some((*only).to_owned()),
        (None, several) if several.contains(&"") => Some(String::new()),
        (None, several) => {
            let what = format!("several folders have a SKILL.md: {}", several.join(", "));
            problems.push(IntakeProblem::new(ProblemCode::FolderAmbiguous, None, what));
            None
        }
    }
}

fn of_entry(listing: &Listing, wanted: &Wanted<'_>, entry: &str, problems: &mut Vec<IntakeProblem>) -> Option<String> {
    let above = || {
        std::iter::successors(Some(path::parent(entry)), |folder| (!folder.is_empty()).then(|| path::parent(folder)))
    };
    let has = |folder: &str, wanted: &dyn Fn(&str) -> bool| {
        listing.files().any(|file| path::parent(file) == folder && wanted(path::name(file)))
    };
    if wanted.category.has_skill() {
        if let Some(folder) = above().find(|folder| has(folder, &|name| name == SKILL)) {
            return Some(folder.to_owned());
        }
        problems.push(IntakeProblem::new(ProblemCode::SkillMissing, Some(path::parent(entry)), no_skill(listing)));
    }
    if let Some(folder) = above().find(|folder| has(folder, &|name| name == SKILL || is_manifest(name))) {
        return Some(folder.to_owned());
    }
    // `from package import ...` is looked up beside the outermost package.
    above().find(|folder| !has(folder, &|name| name == "__init__.py")).map(str::to_owned)
}

/// Says that there is no SKILL.md, and what may have been meant.
fn no_skill(listing: &Listing) -> String {
    match listing.files().find(|file| path::name(file) != SKILL && path::name(file).eq_ignore_ascii_case(SKILL)) {
        Some(near) => format!("there is no SKILL.md; `{near}` is spelt otherwise"),
        None => "there is no SKILL.md".to_owned(),
    }
}
