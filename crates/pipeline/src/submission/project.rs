//! What is submitted: manifests, and what to resolve them for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sigma_core::{
    AdvisoryNote, CodeLanguage, ComplexityTier, Manifest, Origin, SkillManifest, SubmissionCategory, Target, printable,
};
use sigma_ecosystem::manifest::{self, ManifestError, ReadOptions};

use crate::AuditOptions;
use crate::review::passed_over;

/// A project, ready to be resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its manifests, read.
    pub manifests: Vec<Manifest>,
    /// What it is resolved for.
    pub target: Target,
    /// Levels of transitive dependencies to audit, 0 to 3.
    pub depth: u8,
    /// Transitive packages audited anew at most.
    pub cap: usize,
    /// Code that is reviewed once the packages stand in nobody's way; nothing where only packages are audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<StoredCode>,
}

/// A submission of code, as it was taken in; its files are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredCode {
    /// What it consists of.
    pub category: SubmissionCategory,
    /// Where the files came from.
    pub origin: Origin,
    /// The folder under review.
    pub folder: String,
    /// The entry point, relative to that folder.
    pub entry: Option<String>,
    /// The language that it runs in.
    pub language: Option<CodeLanguage>,
    /// The skill, where the category has one.
    pub skill: Option<SkillManifest>,
    /// What does not stand in the way and is disclosed.
    pub disclosed: Vec<String>,
    /// What the developer says about it.
    pub note: Option<AdvisoryNote>,
    /// How much there is to look at, which decides what it costs.
    pub tier: ComplexityTier,
    /// SHA-256 under which the store keeps the files.
    pub files: String,
}

/// The files of a project as somebody sends them: relative path and text.
pub type ProjectFiles = BTreeMap<String, String>;

/// Why files are no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Too many, too large, or under a name that is none.
    #[error("{0}")]
    Files(String),
    /// The manifests cannot be read.
    #[error("{0}")]
    Manifest(String),
    /// They could not be laid out to be read: our own fault.
    #[error("cannot lay out the project's files: {0}")]
    Io(#[from] std::io::Error),
}

/// Files of a project: a manifest, its lockfile, and a handful of included requirements.
const MAX_FILES: usize = 20;
/// All of them together, in bytes: 8 MiB. The largest lockfiles that are seen in practice have 4.
const MAX_BYTES: usize = 8 << 20;

impl Project {
    /// Reads a project from its files. Blocking: parsing a large lockfile takes a moment.
    ///
    /// # Errors
    /// When the files are out of bounds or cannot be read as manifests.
    pub fn read(files: &ProjectFiles, target: Target, options: &ReadOptions) -> Result<Self, ProjectError> {
        check(files)?;
        // The parsers read a folder and follow its includes; nothing of it is run, and it is gone afterwards.
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            let path = folder.path().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, text)?;
        }
        // Where they were laid out for a moment is nothing to whoever sent them.
        let unreadable = |error: ManifestError| {
            let root = folder.path().display().to_string();
            let told = error.to_string().replace(&format!("{root}/"), "").replace(&root, "your files");
            ProjectError::Manifest(told)
        };
        let read = manifest::read(folder.path(), options).map_err(unreadable)?;
        let mut manifests = read.manifests;
        // What was passed over for a more exact file is told beside the first manifest.
        if let Some(first) = manifests.first_mut() {
            first.problems.extend(read.passed_over.iter().map(|text| passed_over(text)));
        }
        let AuditOptions { depth, cap, .. } = AuditOptions::default();
        Ok(Self { manifests, target, depth, cap, code: None })
    }

    /// How it is audited.
    pub fn options(&self) -> AuditOptions {
        let Self { target, depth, cap, .. } = *self;
        AuditOptions { target, depth, cap, stop_early: true, ..AuditOptions::default() }
    }
}

fn check(files: &ProjectFiles) -> Result<(), ProjectError> {
    let wrong = |text: String| Err(ProjectError::Files(text));
    if files.is_empty() {
        return wrong("got no files, expected a manifest such as requirements.txt or package.json".to_owned());
    }
    if files.len() > MAX_FILES {
        return wrong(format!("got {} files, expected at most {MAX_FILES}", files.len()));
    }
    let bytes: usize = files.values().map(String::len).sum();
    if bytes > MAX_BYTES {
        return wrong(format!("got {bytes} bytes of files, expected at most {MAX_BYTES}"));
    }
    for name in files.keys() {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+@ ".contains(&byte))
        };
        let named = |name: &str| name == ".npmrc" || (name.split('/').count() <= 4 && name.split('/').all(part));
        if name.len() > 200 || !named(name) {
            return wrong(format!(
                "got the file name `{}`, expected a relative path of at most four parts of letters, digits and -_.+@",
                printable(name, 80)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Project, String> {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Project::read(&files, Target::default(), &ReadOptions::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_as_a_folder_would_be() {
        let project = read(&[
            ("requirements.txt", "-r more/base.txt\nflask>=2\n"),
            ("more/base.txt", "requests==2.31.0\n"),
            ("package.json", r#"{"dependencies": {"lodash": "^4.17.21"}}"#),
        ]);
        let project = project.unwrap();
        let names: Vec<_> = project
            .manifests
            .iter()
            .flat_map(|one| one.declared.iter().map(|declared| format!("{} {}", declared.name, declared.at)))
            .collect();
        assert_eq!(names, ["requests more/base.txt:1", "flask requirements.txt:2", "lodash package.json:1"]);
        let json = serde_json::to_vec(&project).unwrap();
        assert_eq!(serde_json::from_slice::<Project>(&json).unwrap(), project);
    }

    #[test]
    fn names_lead_nowhere_else() {
        for name in [
            "",
            "/etc/passwd",
            "../requirements.txt",
            "a/../../b.txt",
            "a//b.txt",
            ".git/config",
            "a/./b.txt",
            "a\\b.txt",
            "C:/x.txt",
            "a\0b.txt",
            "a/b/c/d/e.txt",
            "requirements\u{202e}.txt",
            "..",
        ] {
            let error = read(&[(name, "x==1\n")]).unwrap_err();
            assert!(error.starts_with("got the file name"), "{name}: {error}");
        }
        let error = read(&[("requirements.txt", "-r ../../../../etc/passwd\n")]);
        assert!(error.is_err(), "{error:?}");
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(read(&[]).unwrap_err().starts_with("got no files"));
        assert!(read(&[("readme.md", "x")]).is_err());
        let large = "#".repeat(MAX_BYTES + 1);
        assert!(read(&[("requirements.txt", &large)]).unwrap_err().contains("bytes of files"));
        let many: Vec<(String, &str)> = (0..21).map(|index| (format!("{index}.txt"), "")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        assert!(read(&many).unwrap_err().contains("21 files"));
    }
}
