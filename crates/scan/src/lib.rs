//! One archive on this disk in, what the council would rule of it out.
//!
//! In: the path of a wheel, an sdist or an npm tarball that nobody published to us. Out: a [`Scan`]. Nothing is fetched,
//! stored or certified: without the ecosystem there are no published digests and no advisories, and the ruling says so.

mod folder;
mod identity;
pub mod sample;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use sha1::Digest as _;
use sigma_analysis::{Analyser, Input, Named, analysis_type};
use sigma_core::{
    AdvisorySnapshot, AdvisoryState, Delta, Digests, Dossier, People, Release, Report, Ruling, Sha1, Sha256, Sha512,
    SourceState, Timestamp, UpstreamProvenance,
};

pub use folder::scan_folder;
pub use identity::{Identity, IdentityError, identify};

/// Why an archive could not be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The path as given.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is no distribution.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What was found in one archive, and what the council makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The report on it.
    pub report: Report,
    /// What is new since the archive that it was compared with, if it was.
    pub delta: Option<Delta>,
    /// How far every file was read and why not further, by distribution and path: more than a report holds.
    pub map: Vec<Vec<SourceState>>,
    /// The ruling. Advisories were not asked for, which its warnings disclose.
    pub ruling: Ruling,
}

/// Scans one archive.
///
/// # Errors
/// When it cannot be read or is no distribution.
pub fn scan(analyser: &Analyser, path: &Path) -> Result<Scan, ScanError> {
    scan_bytes(analyser, path, open(path)?)
}

/// Scans an archive that lies in memory, or whatever can be read from any position. Its `path` is only a name.
///
/// # Errors
/// When it cannot be read or is no distribution.
pub fn scan_bytes<R: Read + Seek>(analyser: &Analyser, path: &Path, file: R) -> Result<Scan, ScanError> {
    let (report, map) = read(analyser, path, file)?;
    Ok(ruled(report, map, None))
}

/// Scans an archive as the successor of another one, of which nothing is judged.
///
/// # Errors
/// When one of them cannot be read or is no distribution.
pub fn scan_pair(analyser: &Analyser, old: &Path, new: &Path) -> Result<Scan, ScanError> {
    let (old, _) = read(analyser, old, open(old)?)?;
    scan_after(analyser, &old, new)
}

/// Scans an archive as the successor of one whose report is known.
///
/// # Errors
/// When it cannot be read or is no distribution.
pub fn scan_after(analyser: &Analyser, old: &Report, new: &Path) -> Result<Scan, ScanError> {
    let (report, map) = read(analyser, new, open(new)?)?;
    // A file does not say who published it.
    let nobody = People::default();
    let delta = Delta::between((old, &nobody), (&report, &nobody));
    Ok(ruled(report, map, Some(delta)))
}

fn open(path: &Path) -> Result<File, ScanError> {
    File::open(path).map_err(|source| ScanError::Io { path: path.display().to_string(), source })
}

/// How far every file was read, by distribution.
type Map = Vec<Vec<SourceState>>;

fn read<R: Read + Seek>(analyser: &Analyser, path: &Path, mut file: R) -> Result<(Report, Map), ScanError> {
    let failed = |source| ScanError::Io { path: path.display().to_string(), source };
    let identity = identify(path, &mut file).map_err(failed)??;
    let digests = digests(&mut file).map_err(failed)?;
    let filename = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut bytes = BufReader::with_capacity(64 << 10, file);
    let Identity { package: guess, kind } = identity;
    let package = Named::Perhaps(&guess);
    let analysis = analyser.analyse(Input { package, filename: &filename, kind, digests, bytes: &mut bytes });
    let map = vec![analysis.map()];
    let package = analysis.package.unwrap_or(guess);
    let reports = vec![analysis.report];
    let report = Report {
        package,
        ruleset: analyser.ruleset().to_owned(),
        analysis_type: analysis_type(&reports),
        distributions: reports,
    };
    Ok((report, map))
}

/// What the council rules of a report when nobody was asked about the release.
fn ruled(report: Report, map: Map, delta: Option<Delta>) -> Scan {
    let dossier = Dossier {
        package: report.package.clone(),
        release: Release {
            distributions: Vec::new(),
            unread: Vec::new(),
            yanked: None,
            deprecated: None,
            people: People::default(),
        },
        report,
        advisories: AdvisorySnapshot {
            source: "none".to_owned(),
            queried_at: Timestamp::from_millis(0),
            state: AdvisoryState::Unavailable { reason: "a local file is scanned without asking anybody".to_owned() },
        },
        delta,
        // Nobody was asked: nothing is known.
        provenance: UpstreamProvenance::default(),
        entry_points: None,
    };
    let ruling = sigma_council::deliberate(&dossier);
    Scan { report: dossier.report, delta: dossier.delta, map, ruling }
}

/// Digests of a whole file; it stands at its beginning afterwards.
fn digests<R: Read + Seek>(file: &mut R) -> io::Result<Digests> {
    file.rewind()?;
    let (mut sha1, mut sha256, mut sha512) = (sha1::Sha1::new(), sha2::Sha256::new(), sha2::Sha512::new());
    let (mut size, mut buffer) = (0, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let chunk = &buffer[..read];
        sha1.update(chunk);
        sha256.update(chunk);
        sha512.update(chunk);
        size += read as u64;
    }
    file.rewind()?;
    Ok(Digests {
        sha256: Sha256::from_bytes(sha256.finalize().into()),
        sha512: Sha512::from_bytes(sha512.finalize().into()),
        sha1: Sha1::from_bytes(sha1.finalize().into()),
        size,
    })
}
