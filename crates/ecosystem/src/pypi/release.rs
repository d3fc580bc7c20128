//! From the files that an index lists for one version to a [`Release`]: the file an installer prefers first.
//!
//! In: file names, digests and URLs as an index page gives them. Out: a [`Release`], or why there is none. It must
//! never let a credential or an address other than http(s) into a URL.

use std::str::FromStr as _;

use sigma_core::{Distribution, DistributionKind, ExpectedDigest, People, Release, Timestamp, printable};
use uv_distribution_filename::{SourceDistFilename, WheelFilename};
use uv_distribution_types::File;
use uv_platform_tags::TagCompatibility;
use uv_pypi_types::Yanked;

use super::environment::Environment;

/// The files of one version.
#[derive(Default)]
pub(super) struct Files {
    pub wheels: Vec<(WheelFilename, File)>,
    pub sdists: Vec<(SourceDistFilename, File)>,
}

/// Why a version cannot be installed on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Files, but none for the target.
    OtherTargets(Vec<String>),
    /// Files that ask for another Python.
    OtherPython(String),
    /// No file at all, or only ones whose address may not be asked.
    Nothing,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherTargets(names) => {
                write!(
                    f,
                    "none of its files fits the target: {}",
                    names.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
                )?;
                if names.len() > 8 {
                    write!(f, " and {} more", names.len() - 8)?;
                }
                Ok(())
            }
            Self::OtherPython(spec) => write!(f, "it requires Python {spec}"),
            Self::Nothing => f.write_str("the index lists no file of it"),
        }
    }
}

impl Files {
    /// uv's choice: the wheel with the best tags, the higher build number among equals, the sdist when no wheel fits.
    pub fn release(&self, environment: &Environment) -> Result<Release, Unusable> {
        let accepts = |file: &File| {
            file.requires_python.as_ref().is_none_or(|spec| environment.requires_python.is_contained_by(spec))
        };
        let mut best: Option<(_, &WheelFilename, &File)> = None;
        for (name, file) in &self.wheels {
            let TagCompatibility::Compatible(priority) = name.compatibility(&environment.tags) else { continue };
            let better = best
                .as_ref()
                .is_none_or(|(kept, kept_name, _)| (priority, name.build_tag()) > (*kept, kept_name.build_tag()));
            if better && distribution(file, DistributionKind::Wheel).is_some() {
                best = Some((priority, name, file));
            }
        }
        // As uv does it: the tags choose the file, and a file that wants another Python rules the version out.
        let best = match best {
            Some((.., file)) if !accepts(file) => return Err(self.unusable(environment)),
            best => best,
        };
        let installable = self.sdists.iter().find(|(name, file)| name.extension.is_pep625_compliant() && accepts(file));
        let sdist = installable
            .or(self.sdists.first())
            .and_then(|(_, file)| Some((file, distribution(file, DistributionKind::Sdist)?)));
        let mut distributions = Vec::new();
        let yanked = match (best, sdist) {
            (Some((_, _, wheel)), sdist) => {
                distributions.extend(distribution(wheel, DistributionKind::Wheel));
                distributions.extend(sdist.map(|(_, distribution)| distribution));
                wheel.yanked.as_deref()
            }
            (None, Some((file, sdist))) if installable.is_some() => {
                distributions.push(sdist);
                file.yanked.as_deref()
            }
            _ => return Err(self.unusable(environment)),
        };
        let mut unread: Vec<String> = self
            .all()
            .map(|file| printable(&file.filename, 300))
            .filter(|name| distributions.iter().all(|read| &read.filename != name))
            .collect();
        unread.sort();
        unread.dedup();
        let yanked = yanked.and_then(|yanked| match yanked {
            Yanked::Bool(false) => None,
            Yanked::Bool(true) => Some(String::new()),
            Yanked::Reason(reason) => Some(printable(reason, 500)),
        });
        Ok(Release { distributions, unread, yanked, deprecated: None, people: People::default() })
    }

    /// Every file.
    pub fn all(&self) -> impl Iterator<Item = &File> {
        self.wheels.iter().map(|(_, file)| file).chain(self.sdists.iter().map(|(_, file)| file))
    }

    /// Whether every file is yanked.
    pub fn yanked(&self) -> bool {
        self.all().all(|file| file.yanked.as_deref().is_some_and(Yanked::is_yanked))
    }

    fn unusable(&self, environment: &Environment) -> Unusable {
        let fits = |name: &WheelFilename| name.compatibility(&environment.tags).is_compatible();
        let wheels = self.wheels.iter().filter(|(name, _)| fits(name)).map(|(_, file)| file);
        let python = wheels.chain(self.sdists.iter().map(|(_, file)| file)).find_map(|file| {
            let spec = file.requires_python.as_ref()?;
            (!environment.requires_python.is_contained_by(spec)).then(|| printable(&spec.to_string(), 200))
        });
        match python {
            Some(spec) => Unusable::OtherPython(spec),
            None if self.all().next().is_none() => Unusable::Nothing,
            None => Unusable::OtherTargets(self.all().map(|file| printable(&file.filename, 200)).collect()),
        }
    }
}

/// A file as the index publishes it; `None` when its address is not one to fetch from.
pub(super) fn distribution(file: &File, kind: DistributionKind) -> Option<Distribution> {
    let mut url = url::Url::from(file.url.to_url().ok()?);
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    // The digest that PEP 503 puts there is in `published`.
    url.set_fragment(None);
    let mut published: Vec<ExpectedDigest> = file
        .hashes
        .iter()
        // Digests that nobody trusts (md5), or that we do not compute (blake2b), are no evidence.
        .filter_map(|hash| ExpectedDigest::parse_pip(&hash.to_string()).ok())
        .collect();
    published.sort();
    published.dedup();
    Some(Distribution {
        filename: printable(&file.filename, 300),
        kind,
        url: url.into(),
        published,
        size: file.size,
        uploaded_at: file.upload_time_utc_ms.map(Timestamp::from_millis),
    })
}

/// A PEP 440 version; `1.0` and `1.0.0` compare equal.
pub(super) fn version(text: &str) -> Option<uv_pep440::Version> {
    uv_pep440::Version::from_str(text).ok()
}
