//! What is submitted, before anything costs.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sigma_core::{
    AdvisoryNote, CodeLanguage, Manifest, Origin, Problem, SkillManifest, SourceTree, SubmissionCategory, Target,
};
use sigma_ecosystem::manifest::{self, ManifestError, ReadOptions};
use sigma_intake::note::NoteError;
use sigma_intake::{FolderError, IntakeProblem, Listing, RepositoryError, Wanted};

use super::files;
use crate::{AuditError, AuditOptions, Hall, Project, StoredCode};

/// What a developer asks to have reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepositoryRequest {
    /// The repository's https address.
    pub url: String,
    /// A branch, a tag or a whole commit id; the default branch unless given.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// What the submission consists of.
    pub category: SubmissionCategory,
    /// The program, relative to the repository's root. Categories with code need one.
    #[serde(default)]
    pub entry: Option<String>,
    /// The folder under review, where there is no entry point to find it by.
    #[serde(default)]
    pub folder: Option<String>,
    /// What the developer says about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// A submission, taken in: everything that is reviewed is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// What it consists of.
    pub category: SubmissionCategory,
    /// The files under review, whole.
    pub tree: SourceTree,
    /// The entry point, relative to the folder under review.
    pub entry: Option<String>,
    /// The language that it runs in.
    pub language: Option<CodeLanguage>,
    /// The skill, where the category has one.
    pub skill: Option<SkillManifest>,
    /// The manifests in the folder, whether they are reviewed or not.
    pub manifests: Vec<Manifest>,
    /// What does not stand in the way and is disclosed, in sentences.
    pub disclosed: Vec<String>,
    /// What the developer says about it.
    pub note: Option<AdvisoryNote>,
}

/// Why something cannot be reviewed. Nothing was stored and nothing costs.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The repository could not be fetched.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The folder could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Everything that stands in the way.
    #[error("{}", lines(.0))]
    Problems(Vec<IntakeProblem>),
    /// The developer's note is too long.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The manifests cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// They could not be laid out to be read: our own fault.
    #[error("cannot lay out the files: {0}")]
    Io(#[from] io::Error),
}

fn lines(problems: &[IntakeProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Intake {
    /// The manifests whose packages are audited: none where the category does not have them reviewed.
    pub fn reviewed_manifests(&self) -> Vec<Manifest> {
        if self.category.has_packages() { self.manifests.clone() } else { Vec::new() }
    }

    /// The entry point relative to the root of the repository.
    pub fn entry_in_repository(&self) -> Option<String> {
        let entry = self.entry.as_deref()?;
        Some(match self.tree.folder.as_str() {
            "" => entry.to_owned(),
            folder => format!("{folder}/{entry}"),
        })
    }

    /// What the submission is called: the skill's own name, the folder, or the repository.
    pub fn name(&self) -> String {
        let last = |path: &str| path.rsplit('/').find(|part| !part.is_empty()).map(str::to_owned);
        let declared = self.skill.as_ref().and_then(|skill| skill.name.clone());
        let repository = match &self.tree.origin {
            Origin::Repository { url, .. } => last(url.strip_suffix(".git").unwrap_or(url)),
            Origin::Folder => None,
        };
        let name = declared.or_else(|| last(&self.tree.folder)).or(repository);
        sigma_core::printable(&name.unwrap_or_else(|| "submission".to_owned()), 100)
    }
}

impl Hall {
    /// Fetches a repository at one commit and chooses what is reviewed.
    ///
    /// # Errors
    /// Everything at once that stands in the way.
    pub async fn take_in(&self, request: &RepositoryRequest) -> Result<Intake, IntakeError> {
        let reference = request.reference.as_deref().unwrap_or("HEAD");
        let listing = sigma_intake::repository(&self.review.repositories, &request.url, reference).await?;
        let hall = self.clone();
        let request = request.clone();
        // Objects are unpacked and manifests parsed: a moment of work.
        let chosen = tokio::task::spawn_blocking(move || {
            let wanted = Wanted {
                category: request.category,
                entry: request.entry.as_deref(),
                folder: request.folder.as_deref(),
            };
            hall.choose(&listing, &wanted, request.note.as_deref())
        });
        chosen.await.map_err(|error| IntakeError::Io(io::Error::other(error.to_string())))?
    }

    /// Chooses what is reviewed of a folder on this disk, for a dry run. Blocking.
    ///
    /// # Errors
    /// Everything at once that stands in the way.
    pub fn take_in_folder(
        &self,
        folder: &Path,
        category: SubmissionCategory,
        entry: Option<&str>,
    ) -> Result<Intake, IntakeError> {
        let listing = sigma_intake::folder(folder)?;
        self.choose(&listing, &Wanted { category, entry, folder: None }, None)
    }

    /// Keeps what was taken in, and makes it a project that can be submitted.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn keep_intake(&self, intake: &Intake, target: Target) -> Result<Project, AuditError> {
        let (sha256, bytes) = files::write(&intake.tree).map_err(|error| AuditError::Internal(error.to_string()))?;
        self.store.keep_tree(&sha256.to_string(), &bytes, self.now()).await?;
        let tier = self.preprocess(intake).await?.tier;
        let AuditOptions { depth, cap, .. } = AuditOptions::default();
        let code = StoredCode {
            category: intake.category,
            origin: intake.tree.origin.clone(),
            folder: intake.tree.folder.clone(),
            entry: intake.entry.clone(),
            language: intake.language,
            skill: intake.skill.clone(),
            disclosed: intake.disclosed.clone(),
            note: intake.note.clone(),
            tier,
            files: sha256.to_string(),
        };
        Ok(Project { manifests: intake.reviewed_manifests(), target, depth, cap, code: Some(code) })
    }

    /// What was taken in, from what was kept.
    ///
    /// # Errors
    /// When the files are not there any more, or not what they were.
    pub(crate) async fn kept_intake(&self, code: &StoredCode) -> Result<Intake, AuditError> {
        let lost = || AuditError::Internal(format!("the store lost the files {} of a submission", code.files));
        let bytes = self.store.tree(&code.files).await?.ok_or_else(lost)?;
        let tree = files::read(&code.files, &bytes).ok_or_else(lost)?;
        let manifests = manifests(&tree, code.category, &self.review.read)
            .map_err(|error| AuditError::Internal(error.to_string()))?;
        Ok(Intake {
            category: code.category,
            tree,
            entry: code.entry.clone(),
            language: code.language,
            skill: code.skill.clone(),
            manifests,
            disclosed: code.disclosed.clone(),
            note: code.note.clone(),
        })
    }

    fn choose(&self, listing: &Listing, wanted: &Wanted<'_>, note: Option<&str>) -> Result<Intake, IntakeError> {
        let selected = sigma_intake::select(listing, wanted, &self.review.limits).map_err(IntakeError::Problems)?;
        let manifests = manifests(&selected.tree, wanted.category, &self.review.read)?;
        Ok(Intake {
            category: wanted.category,
            tree: selected.tree,
            entry: selected.entry,
            language: selected.language,
            skill: selected.skill,
            manifests,
            disclosed: selected.disclosed.iter().map(disclosed).collect(),
            note: note.map(sigma_intake::note::screen).transpose()?,
        })
    }
}

fn disclosed(problem: &IntakeProblem) -> String {
    match &problem.path {
        Some(path) => format!("{path}: {}.", problem.message),
        None => format!("{}.", problem.message),
    }
}

/// The manifests in the folder under review. Where packages are not reviewed, those that cannot be read are none.
fn manifests(
    tree: &SourceTree,
    category: SubmissionCategory,
    options: &ReadOptions,
) -> Result<Vec<Manifest>, IntakeError> {
    // The parsers read a folder and follow its includes; nothing of it is run, and it is gone afterwards.
    let folder = tempfile::tempdir()?;
    for file in &tree.files {
        let path = folder.path().join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.bytes)?;
    }
    match manifest::read(folder.path(), options) {
        Ok(read) => {
            let mut manifests = read.manifests;
            if let Some(first) = manifests.first_mut() {
                first.problems.extend(read.passed_over.iter().map(|text| passed_over(text)));
            }
            Ok(manifests)
        }
        Err(_) if !category.has_packages() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// What was passed over for a more exact file is told beside the first manifest.
pub(crate) fn passed_over(text: &str) -> Problem {
    let (file, message) = text.split_once(": ").unwrap_or((text, "not used"));
    Problem { message: message.to_owned(), at: sigma_core::Location { file: file.to_owned(), line: 1 } }
}
