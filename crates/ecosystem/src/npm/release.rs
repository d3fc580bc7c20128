//! One published version as a [`Release`]: its tarball, the digests published for it, and its deprecation.
//!
//! In: what the packument says. Out: a release, or why there is none. A digest that cannot be read is an error, never left
//! out.

use sigma_core::{Distribution, DistributionKind, ExpectedDigest, HashAlgorithm, People, Release, Sha1, printable};
use url::Url;

use super::packument::Published;

/// Builds the release; the error is a printable sentence.
pub(super) fn release(published: &Published) -> Result<Release, String> {
    let url = Url::parse(&published.tarball).map_err(|error| {
        format!("the tarball address {} cannot be read: {error}", printable(&published.tarball, 200))
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err("the tarball address is not a plain http(s) address".to_owned());
    }
    let filename = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let filename = if filename.is_empty() { "package.tgz" } else { filename };
    let mut digests = Vec::new();
    if let Some(integrity) = &published.integrity {
        for entry in integrity.split_ascii_whitespace() {
            // W3C SRI: algorithms that nobody knows are passed over.
            let algorithm = entry.split('-').next().unwrap_or_default();
            if algorithm.parse::<HashAlgorithm>().is_ok() {
                digests.extend(ExpectedDigest::parse_sri(entry).map_err(|error| format!("dist.integrity: {error}"))?);
            }
        }
    }
    if let Some(shasum) = &published.shasum {
        let shasum: Sha1 = shasum.parse().map_err(|error| format!("dist.shasum: {error}"))?;
        digests.push(shasum.into());
    }
    digests.sort_by(|a, b| b.cmp(a));
    digests.dedup();
    Ok(Release {
        distributions: vec![Distribution {
            filename: printable(filename, 250),
            kind: DistributionKind::NpmTarball,
            url: url.to_string(),
            published: digests,
            size: None,
            uploaded_at: published.published.as_deref().and_then(|time| time.parse().ok()),
        }],
        unread: Vec::new(),
        yanked: None,
        deprecated: published.deprecated.as_deref().map(|message| printable(message, 500)),
        people: People {
            publisher: published.publisher.as_deref().map(|name| printable(name, 100)),
            maintainers: published
                .maintainers
                .as_ref()
                .map(|names| names.iter().map(|name| printable(name, 100)).collect()),
        },
    })
}
