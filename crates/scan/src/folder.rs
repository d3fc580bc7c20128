//! A folder on this disk in, what the council would rule of it out: a source tree before it is published.
//!
//! Links are not followed and nothing outside the folder is read. What is not read is in the report's coverage.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Digest as _;
use sigma_analysis::{Analyser, Analysis, Loose, analysis_type};
use sigma_core::{
    Digests, DistributionKind, DistributionReport, Ecosystem, FileEntry, PackageId, PackageName, Report, Sha1, Sha256,
    Sha512, SkipReason, Skipped, printable,
};
use walkdir::WalkDir;

use crate::{Map, Scan, ScanError, ruled};

/// Bytes at hand of a file that is too large to be analysed: enough to tell what it is.
const HEAD: u64 = 64 << 10;
/// Folders that hold what others published or wrote: they are told, not read.
const PASSED_OVER: [&str; 4] = [".git", "node_modules", ".venv", "__pycache__"];

/// Scans a folder as a source tree: as an npm package where a `package.json` lies in it, as a Python project where a
/// `pyproject.toml`, `setup.py` or `setup.cfg` does or no manifest at all; as both where both do.
///
/// With an `entry` point, the path of a file inside the folder, every finding in a program says whether that reaches it.
///
/// # Errors
/// When the folder cannot be read or holds no such entry point. A file that cannot be read is in the coverage.
pub fn scan_folder(analyser: &Analyser, folder: &Path, entry: Option<&str>) -> Result<Scan, ScanError> {
    let failed = |source| ScanError::Io { path: folder.display().to_string(), source };
    let whole = folder.canonicalize().map_err(failed)?;
    std::fs::read_dir(&whole).map_err(failed)?;
    let entry = entry.map(|entry| entry_point(&whole, entry)).transpose()?;
    let name = whole.file_name().map_or("folder".to_owned(), |name| printable(&name.to_string_lossy(), 200));
    let trees = kinds(&whole).into_iter().map(|kind| tree(analyser, &whole, &name, kind, entry.as_deref()));
    let (distributions, map): (Vec<DistributionReport>, Map) =
        trees.map(|analysis| (analysis.report.clone(), analysis.map())).unzip();
    let ecosystem = distributions.first().map_or(Ecosystem::Pypi, |distribution| distribution.kind.ecosystem());
    // A tree has no version yet, and its name may be none of a package.
    let package = PackageName::new(ecosystem, &name).or_else(|_| PackageName::new(ecosystem, "folder"));
    let package = package.and_then(|package| PackageId::new(package, "0.0.0"));
    let package = package.map_err(|error| failed(io::Error::other(error.to_string())))?;
    let report = Report {
        package,
        ruleset: analyser.ruleset().to_owned(),
        analysis_type: analysis_type(&distributions),
        distributions,
    };
    Ok(ruled(report, map, None))
}

/// The path of the entry point as the report spells paths inside the folder.
fn entry_point(folder: &Path, entry: &str) -> Result<String, ScanError> {
    let path = entry.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let outside = parts.contains(&"..") || Path::new(entry).is_absolute();
    if outside || !folder.join(parts.join("/")).symlink_metadata().is_ok_and(|entry| entry.is_file()) {
        let source = io::Error::other("got no file of the folder, expected the entry point as a path inside of it");
        return Err(ScanError::Io { path: entry.to_owned(), source });
    }
    Ok(parts.join("/"))
}

fn kinds(folder: &Path) -> Vec<DistributionKind> {
    let has = |name: &str| folder.join(name).is_file();
    let python = ["pyproject.toml", "setup.py", "setup.cfg"].into_iter().any(has);
    match (has("package.json"), python) {
        (true, true) => vec![DistributionKind::NpmTarball, DistributionKind::Sdist],
        (true, false) => vec![DistributionKind::NpmTarball],
        (false, _) => vec![DistributionKind::Sdist],
    }
}

/// The report on a tree. Its digest is `sha256-sorted-files-v1` over the files read; other digests are not defined.
fn tree(analyser: &Analyser, folder: &Path, name: &str, kind: DistributionKind, entry: Option<&str>) -> Analysis {
    let none = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let limit = analyser.limits().file_bytes;
    // Without the members of archives, which are no files of the tree.
    let mut own: Vec<FileEntry> = Vec::new();
    let mut analysis = analyser.analyse_tree(kind, name, none, entry, &mut |tell| {
        own.clear();
        let mut passed_over = Vec::new();
        let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| {
            let passed = entry.depth() > 0
                && entry.file_type().is_dir()
                && PASSED_OVER.iter().any(|name| entry.file_name().to_str() == Some(name));
            if passed {
                passed_over.push(inside(folder, entry.path(), name));
            }
            !passed
        });
        for entry in walk {
            let (path, read) = match entry {
                Ok(entry) if entry.file_type().is_dir() => continue,
                Ok(entry) => {
                    let path = inside(folder, entry.path(), name);
                    let read = match entry.file_type().is_file() {
                        true => read(entry.path(), limit).map_err(|error| (SkipReason::Damaged, error.to_string())),
                        false => Err((SkipReason::NotAFile, "a link or a device; it is not followed".to_owned())),
                    };
                    (path, read)
                }
                Err(error) => {
                    let path = error.path().map_or(String::new(), |path| inside(folder, path, name));
                    (path, Err((SkipReason::Damaged, error.to_string())))
                }
            };
            match read {
                Ok((size, sha256, bytes)) => {
                    own.push(FileEntry { path: path.clone(), size, sha256 });
                    tell(Loose::File { path: &path, size, sha256, bytes: &bytes });
                }
                Err((reason, detail)) => {
                    tell(Loose::Skipped(Skipped { path, reason, detail: printable(&detail, 160) }))
                }
            }
        }
        for path in passed_over {
            let detail = "a folder of other people's code or of tools; scan it by itself".to_owned();
            tell(Loose::Skipped(Skipped { path, reason: SkipReason::NotAFile, detail }));
        }
    });
    own.sort();
    analysis.report.digests.sha256 = sorted_files(&own);
    analysis.report.digests.size = own.iter().map(|file| file.size).sum();
    analysis
}

/// Sdists and npm tarballs have one folder around everything, and so has a tree.
fn inside(folder: &Path, path: &Path, name: &str) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    format!("{name}/{relative}")
}

/// Size, digest and bytes; of a file above the limit only the first bytes.
fn read(path: &Path, limit: u64) -> io::Result<(u64, Sha256, Vec<u8>)> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
    let mut hash = sha2::Sha256::new();
    hash.update(&bytes);
    let mut size = bytes.len() as u64;
    if size > limit {
        bytes.truncate(usize::try_from(HEAD).unwrap_or(usize::MAX));
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            size += read as u64;
        }
    }
    Ok((size, Sha256::from_bytes(hash.finalize().into()), bytes))
}

/// `sha256-sorted-files-v1`: each path and the file's digest in hexadecimal, in order of the paths' bytes.
fn sorted_files(files: &[FileEntry]) -> Sha256 {
    let mut hash = sha2::Sha256::new();
    for file in files {
        hash.update(file.path.split_once('/').map_or(&*file.path, |(_, inner)| inner));
        hash.update(file.sha256.to_string());
    }
    Sha256::from_bytes(hash.finalize().into())
}
