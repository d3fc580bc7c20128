//! What is to be scanned: archives and samples below a folder, each with its label and its family.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sigma_analysis::Analyser;
use sigma_core::SecurityLevel;
use sigma_scan::sample::{ENDING, Label, Sample};
use sigma_scan::{Scan, scan, scan_bytes};

/// One labelled archive.
pub struct Archive {
    pub label: Label,
    /// Its path below the folder.
    pub path: String,
    /// The campaign it belongs to: from `families.tsv` or its header, else its package's name.
    pub family: String,
    /// The level that it should reach at least, or if benign the level that it must not pass.
    pub expect: SecurityLevel,
    content: Content,
}

enum Content {
    File(PathBuf),
    Sample(Box<Sample>),
}

impl Archive {
    /// Scans it. A sample's archive is built in memory.
    pub fn scan(&self, analyser: &Analyser) -> anyhow::Result<Scan> {
        Ok(match &self.content {
            Content::File(path) => scan(analyser, path)?,
            Content::Sample(sample) => {
                let (name, bytes) = sample.archive()?;
                scan_bytes(analyser, Path::new(&name), Cursor::new(bytes))?
            }
        })
    }
}

/// Everything below `folder` that has a label: samples by their header, archives by `malicious/` or `benign/`.
///
/// # Errors
/// When a sample or `families.tsv` cannot be read: a sample that is silently left out would flatter the figures.
pub fn gather(folder: &Path) -> anyhow::Result<Vec<Archive>> {
    let families = families(&folder.join("families.tsv"))?;
    let mut archives = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
        if !entry.file_type().is_file() {
            continue;
        }
        let inner = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let path = inner.to_string_lossy().into_owned();
        if inner.extension().is_some_and(|ending| ending == ENDING) {
            let text = std::fs::read_to_string(entry.path()).with_context(|| path.clone())?;
            let sample = Box::new(Sample::read(&text).with_context(|| path.clone())?);
            let (label, family, expect) = (sample.label, sample.family.clone(), sample.expect);
            archives.push(Archive { label, path, family, expect, content: Content::Sample(sample) });
            continue;
        }
        let (label, expect) = match inner.components().next().and_then(|first| first.as_os_str().to_str()) {
            Some("malicious") => (Label::Malicious, SecurityLevel::Blocked),
            Some("benign") => (Label::Benign, SecurityLevel::Monitored),
            _ => continue,
        };
        let family = family_of(&families, &path);
        archives.push(Archive { label, path, family, expect, content: Content::File(entry.into_path()) });
    }
    Ok(archives)
}

/// `families.tsv`: a path below the folder, a file name or a package's name, a tab, and the family.
fn families(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let mut families = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let Some((archive, family)) = line.split_once('\t') else {
            bail!("{}:{}: expected an archive or package, a tab, and its family", path.display(), number + 1);
        };
        families.insert(archive.to_owned(), family.trim().to_owned());
    }
    Ok(families)
}

fn family_of(families: &BTreeMap<String, String>, path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    // The package's name ends where its version begins.
    let end = file.match_indices('-').find(|(at, _)| file[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let name = end.map_or(file, |(at, _)| &file[..at]);
    let known = [path, file, name].into_iter().find_map(|key| families.get(key));
    known.cloned().unwrap_or_else(|| name.to_ascii_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_come_from_the_list_or_the_name() {
        let list = BTreeMap::from([("known".to_owned(), "one".to_owned()), ("b-1.0.tgz".to_owned(), "two".to_owned())]);
        let check = |path, expect| assert_eq!(family_of(&list, path), expect);
        check("malicious/pypi/known-2.0.tar.gz", "one");
        check("malicious/b-1.0.tgz", "two");
        check("malicious/Left_pad-x-1.0.0.tgz", "left-pad-x");
        check("malicious/odd", "odd");
    }

    #[test]
    fn only_what_has_a_label_is_gathered() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["malicious/a-1.0.0.tgz", "benign/deep/b-1.0.tar.gz", "else/c-1.0.tar.gz", "families.tsv"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "a\tgroup\n").unwrap();
        }
        let found = gather(folder.path()).unwrap();
        let found: Vec<_> = found.iter().map(|one| format!("{:?} {} {}", one.label, one.path, one.family)).collect();
        assert_eq!(found, ["Benign benign/deep/b-1.0.tar.gz b", "Malicious malicious/a-1.0.0.tgz group"]);
        std::fs::write(folder.path().join("broken.sample"), "title: nothing\n").unwrap();
        assert!(gather(folder.path()).is_err());
    }
}
