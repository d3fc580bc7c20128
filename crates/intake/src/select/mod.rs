//! From everything that is there to what is reviewed.
//!
//! In: a listing, a category, an entry point. Out: the files under review, every one of them whole, or all reasons at once why
//! there is nothing to review; never some of the files. Nothing here costs anything: it runs before a price is asked for.
//!
//! The folder under review follows from the entry point: for a category with SKILL it is the nearest folder above it that has
//! a SKILL.md; for others the nearest that has a SKILL.md or a manifest; where there is none, the folder in which the entry
//! point lies, or, if that is a Python package, the one in which its outermost package lies. Without an entry point it is the
//! folder that is named, the root if that has a SKILL.md, or the only folder that has one.

mod collision;
mod entry;
mod files;
mod place;

use sigma_core::{CodeLanguage, SkillManifest, SourceFile, SourceTree, SubmissionCategory};

use crate::config::SubmissionLimits;
use crate::listing::Listing;
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode};
use crate::skill;

/// The file that makes a folder a skill.
pub(crate) const SKILL: &str = "SKILL.md";

/// What a submitter asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What the submission consists of.
    pub category: SubmissionCategory,
    /// The program, relative to the root, where the category has code.
    pub entry: Option<&'a str>,
    /// The folder under review, relative to the root, where the category has no code and several folders have a SKILL.md.
    pub folder: Option<&'a str>,
}

/// What is reviewed.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The files, with the folder under review.
    pub tree: SourceTree,
    /// The entry point, relative to that folder.
    pub entry: Option<String>,
    /// The language that it runs in.
    pub language: Option<CodeLanguage>,
    /// The skill, where the category has one.
    pub skill: Option<SkillManifest>,
    /// What does not stand in the way and is disclosed.
    pub disclosed: Vec<IntakeProblem>,
}

/// Chooses what is reviewed, or says everything that stands in the way.
pub fn select(
    listing: &Listing,
    wanted: &Wanted<'_>,
    limits: &SubmissionLimits,
) -> Result<Selected, Vec<IntakeProblem>> {
    let mut problems = Vec::new();
    let entry = entry::find(listing, wanted, &mut problems);
    let Some(folder) = place::folder(listing, wanted, entry, &mut problems) else { return Err(problems) };
    let files = files::read(listing, &folder, limits, &mut problems);
    let entry = entry.and_then(|entry| path::within(&folder, entry)).map(str::to_owned);
    let language = entry.as_deref().and_then(|entry| entry::language(entry, &folder, &files, &mut problems));
    let mut disclosed: Vec<_> = listing.skipped.iter().filter(|one| is_within(&folder, one)).cloned().collect();
    let names: Vec<&str> = listing.files().filter_map(|file| path::within(&folder, file)).collect();
    let skill = requirements(wanted.category, &folder, &names, &files, &mut problems, &mut disclosed);
    match problems.is_empty() {
        true => {
            let tree = SourceTree { origin: listing.origin.clone(), folder, files };
            Ok(Selected { tree, entry, language, skill, disclosed })
        }
        false => {
            problems.sort();
            problems.dedup();
            Err(problems)
        }
    }
}

fn is_within(folder: &str, problem: &IntakeProblem) -> bool {
    problem.path.as_deref().is_some_and(|place| path::within(folder, place).is_some())
}

/// What a category must and must not have: by the names of the files, which are known even where there are too many to be
/// read, and by the files. Gives the skill, where the category has one.
fn requirements(
    category: SubmissionCategory,
    folder: &str,
    names: &[&str],
    files: &[SourceFile],
    problems: &mut Vec<IntakeProblem>,
    disclosed: &mut Vec<IntakeProblem>,
) -> Option<SkillManifest> {
    let at = |path: &str| path::join(folder, path);
    let skill = files.iter().find(|file| file.path == SKILL);
    let manifest = names.iter().find(|file| place::is_manifest(path::name(file)));
    if category.has_packages() && manifest.is_none() {
        let what = "no manifest declares dependencies in the folder under review";
        problems.push(IntakeProblem::new(ProblemCode::ManifestMissing, Some(folder), what));
    }
    if let (Some(manifest), false) = (manifest, category.has_packages()) {
        let what = format!("dependencies are declared, and {category} does not have them reviewed");
        disclosed.push(IntakeProblem::new(ProblemCode::ManifestUnreviewed, Some(&at(manifest)), what));
    }
    if !category.has_code() {
        for file in files.iter().filter(|file| entry::runs(file)) {
            let what = format!("this can be run, and {category} is for folders in which nothing runs");
            problems.push(IntakeProblem::new(ProblemCode::CodePresent, Some(&at(&file.path)), what));
        }
    }
    match (skill, category.has_skill()) {
        (Some(file), true) => {
            let read = skill::read(SKILL, &file.bytes, path::name(folder));
            if category.has_api() && read.external_calls.is_empty() {
                let what = "SKILL.md declares no endpoint that could be looked at";
                problems.push(IntakeProblem::new(ProblemCode::EndpointsMissing, Some(&at(SKILL)), what));
            }
            Some(read)
        }
        (Some(_), false) => {
            let what = format!("there is a SKILL.md, and {category} does not include it");
            disclosed.push(IntakeProblem::new(ProblemCode::SkillUnreviewed, Some(&at(SKILL)), what));
            None
        }
        (None, _) => None,
    }
}
