//! `sigma hash`: `sha256-sorted-files-v1` over a folder, or `sha256-lf` over a SKILL.md alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sha2::Digest as _;
use sigma_certificate::{FILES_HASH_ALGORITHM, files_hash};
use sigma_core::{FileEntry, FileSet, Sha256};
use walkdir::WalkDir;

use crate::Outcome;
use crate::args::{Format, Hash};

/// Runs the command.
pub fn run(command: &Hash) -> Result<Outcome> {
    if command.path.is_file() {
        return skill(command);
    }
    let files = collect(&command.path)?;
    if files.files.is_empty() {
        bail!("{} holds no files, so there is nothing to hash", command.path.display());
    }
    let hash = files_hash(&files);
    let mut out = String::new();
    match command.format {
        Format::Json => {
            let mut value = serde_json::json!({
                "algorithm": FILES_HASH_ALGORITHM, "codeFilesHash": hash, "files": files.files.len(),
            });
            if command.list {
                value["list"] = serde_json::to_value(&files.files)?;
            }
            writeln!(out, "{value:#}")?;
        }
        Format::Table | Format::Markdown => {
            if command.list {
                for file in &files.files {
                    writeln!(out, "{}  {}", file.sha256, sigma_core::printable(&file.path, 4096))?;
                }
            }
            writeln!(out, "{hash}  {FILES_HASH_ALGORITHM} over {} files", files.files.len())?;
        }
    }
    super::print(&out)?;
    Ok(Outcome::Pass)
}

/// How the hash of a SKILL.md is called where it is compared.
const SKILL_ALGORITHM: &str = "sha256-lf";
/// Bytes of a SKILL.md that are read: more than any submission may hold in one file.
const MAX_SKILL: u64 = 64 << 20;

/// The hash of a SKILL.md alone, as certificates of skills hold it.
fn skill(command: &Hash) -> Result<Outcome> {
    let path = &command.path;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name != "SKILL.md" {
        bail!("got the file {}, expected a folder, or a SKILL.md for a skill without code", path.display());
    }
    let mut bytes = Vec::new();
    let unread = || format!("cannot read {}", path.display());
    File::open(path).with_context(unread)?.take(MAX_SKILL + 1).read_to_end(&mut bytes).with_context(unread)?;
    if bytes.len() as u64 > MAX_SKILL {
        bail!("{} has more than {} MiB and is no SKILL.md that was certified", path.display(), MAX_SKILL >> 20);
    }
    let hash = sigma_intake::skill::sha256_lf(&bytes);
    super::print(&match command.format {
        Format::Json => format!("{:#}\n", serde_json::json!({"algorithm": SKILL_ALGORITHM, "manifestHash": hash})),
        Format::Table | Format::Markdown => format!("{hash}  {SKILL_ALGORITHM} over {name}\n"),
    })?;
    Ok(Outcome::Pass)
}

/// Every regular file below a folder but those of `.git`, sorted by path.
pub fn collect(root: &Path) -> Result<FileSet> {
    let mut files = Vec::new();
    let walk = WalkDir::new(root).into_iter().filter_entry(|entry| entry.depth() != 1 || entry.file_name() != ".git");
    for entry in walk {
        let entry = entry.context("cannot read the folder")?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        if !entry.file_type().is_file() {
            bail!("{} is not a regular file; the hash is defined over regular files only", path.display());
        }
        let relative = path.strip_prefix(root).unwrap_or(path);
        let relative = relative.to_str().with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        let mut hasher = sha2::Sha256::new();
        let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let size = io::copy(&mut file, &mut HashWriter(&mut hasher)).with_context(|| path.display().to_string())?;
        files.push(FileEntry {
            path: relative.replace('\\', "/"),
            size,
            sha256: Sha256::from_bytes(hasher.finalize().into()),
        });
    }
    files.sort();
    Ok(FileSet { files })
}

/// SHA-256 of a file, whatever its size.
pub fn file(path: &Path) -> Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    io::copy(&mut file, &mut HashWriter(&mut hasher)).with_context(|| path.display().to_string())?;
    Ok(Sha256::from_bytes(hasher.finalize().into()))
}

struct HashWriter<'a>(&'a mut sha2::Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
