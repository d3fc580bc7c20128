//! The first stage of a review: what submitted files are, are able to do, and do not say about themselves.
//!
//! In: the files under review, whole; the entry point; the SKILL.md and the manifests, as they were read. Out:
//! [`Preprocess`], a pure function of these and the ruleset.

mod imports;
mod skill;

pub use skill::declared_host;

use sigma_core::{
    Capability, CodeLanguage, ComplexityTier, Digests, DistributionKind, DistributionReport, Ecosystem, Manifest,
    ManifestSource, Preprocess, Sha1, Sha256, Sha512, SkillManifest, SourceTree,
};

use crate::{Analyser, Loose};

/// What is submitted.
#[derive(Debug, Clone, Copy)]
pub struct Submitted<'a> {
    /// The files under review.
    pub tree: &'a SourceTree,
    /// The language of the code, where there is code.
    pub language: Option<CodeLanguage>,
    /// The entry point, relative to the folder under review.
    pub entry: Option<&'a str>,
    /// The SKILL.md, where there is one.
    pub skill: Option<&'a SkillManifest>,
    /// The manifests of its dependencies, whether these are reviewed or not.
    pub manifests: &'a [Manifest],
}

/// Sdists and npm tarballs have one folder around everything, and the engine expects one. Nothing shows it.
const AROUND: &str = "submission/";

impl Analyser {
    /// Looks at submitted files. Never fails: what cannot be read is disclosed in the report's coverage.
    pub fn preprocess(&self, submitted: Submitted<'_>) -> Preprocess {
        let Submitted { tree, language, entry, skill, manifests } = submitted;
        let kind = match language {
            Some(CodeLanguage::Node) => DistributionKind::NpmTarball,
            _ => DistributionKind::Sdist,
        };
        let files = tree.file_set();
        let none = Digests {
            sha256: Sha256::from_bytes([0; 32]),
            sha512: Sha512::from_bytes([0; 64]),
            sha1: Sha1::from_bytes([0; 20]),
            size: 0,
        };
        let analysis = self.analyse_tree(kind, "submission", none, entry, &mut |tell| {
            for (file, known) in tree.files.iter().zip(&files.files) {
                let path = format!("{AROUND}{}", file.path);
                tell(Loose::File { path: &path, size: known.size, sha256: known.sha256, bytes: &file.bytes });
            }
        });
        let mut report = without_folder(analysis.report);
        report.digests.size = files.files.iter().map(|file| file.size).sum();
        let delta = match (skill, language) {
            (Some(skill), Some(_)) => skill::delta(skill, &report),
            _ => Default::default(),
        };
        let (undeclared_imports, unused_packages) = match language {
            Some(language) => imports::compare(language, &report, tree, manifests),
            None => Default::default(),
        };
        Preprocess {
            ruleset: self.ruleset().to_owned(),
            language,
            entry: entry.map(str::to_owned),
            tier: tier(&report),
            dependencies_pinned: pinned(manifests),
            report,
            skill: skill.cloned(),
            delta,
            undeclared_imports,
            unused_packages,
        }
    }
}

/// How much there is to look at. A submission has at most 50 files and 512 KB, so these bounds are narrower than those of a
/// package:
///
/// | tier | from |
/// | --- | --- |
/// | high-complex | more than 30 source files, more than 256 KiB of source, or any native or compiled file |
/// | complex | more than 10 source files, more than 64 KiB of source, or three capabilities that reach beyond the program |
/// | standard | everything else |
fn tier(report: &DistributionReport) -> ComplexityTier {
    const KIB: u64 = 1 << 10;
    let coverage = &report.coverage;
    let reaching = report.capabilities.iter().filter(|capability| {
        matches!(
            capability,
            Capability::Process
                | Capability::Shell
                | Capability::NetworkClient
                | Capability::NetworkServer
                | Capability::Credentials
                | Capability::FileWrite
                | Capability::DynamicCode
                | Capability::Deserialisation
        )
    });
    if coverage.source_files > 30 || coverage.source_bytes > 256 * KIB || !coverage.binaries.is_empty() {
        ComplexityTier::HighComplex
    } else if coverage.source_files > 10 || coverage.source_bytes > 64 * KIB || reaching.count() >= 3 {
        ComplexityTier::Complex
    } else {
        ComplexityTier::Standard
    }
}

/// Whether every declared dependency is one exact version. A lockfile is; so is `==1.2.3` (PEP 440, without a wildcard) and
/// `1.2.3` in a package.json.
fn pinned(manifests: &[Manifest]) -> Option<bool> {
    let declared = manifests.iter().any(|one| !one.declared.is_empty() || !one.refused.is_empty());
    declared.then(|| {
        manifests.iter().all(|manifest| {
            let exact = matches!(manifest.source, ManifestSource::Locked { .. })
                || manifest.declared.iter().all(|one| is_exact(manifest.ecosystem, &one.spec));
            exact && manifest.refused.is_empty()
        })
    })
}

fn is_exact(ecosystem: Ecosystem, spec: &str) -> bool {
    let spec = spec.trim();
    let version = match ecosystem {
        Ecosystem::Pypi => {
            let Some(version) = spec.strip_prefix("===").or_else(|| spec.strip_prefix("==")) else { return false };
            version.trim()
        }
        Ecosystem::Npm => spec.strip_prefix('=').unwrap_or(spec).trim(),
    };
    sigma_core::order_versions(ecosystem, version, version).is_some()
}

/// Paths as they stand in the folder under review.
fn without_folder(mut report: DistributionReport) -> DistributionReport {
    let bare = |path: &str| path.strip_prefix(AROUND).unwrap_or(path).to_owned();
    for finding in &mut report.findings {
        finding.file = bare(&finding.file);
    }
    report.findings.sort();
    for skipped in &mut report.coverage.skipped {
        skipped.path = bare(&skipped.path);
    }
    for source in &mut report.coverage.sources {
        source.path = bare(&source.path);
    }
    for binary in &mut report.coverage.binaries {
        binary.path = bare(&binary.path);
    }
    report.coverage.cited = report.coverage.cited.iter().map(|(path, sha256)| (bare(path), *sha256)).collect();
    report.install_hooks = report.install_hooks.iter().map(|hook| bare(hook)).collect();
    report.entry_points = report.entry_points.iter().map(|entry| bare(entry)).collect();
    report
}

#[cfg(test)]
mod tests;
