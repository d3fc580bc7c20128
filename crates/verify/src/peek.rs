//! A glance at a bundle that nothing is believed of: what it may be about, so that only bundles that are wanted are verified.

use serde::Deserialize;
use sigma_core::{ExpectedDigest, Sha256, Sha512};

/// What a bundle says it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peek {
    /// `pypi:requests@2.31.0`.
    pub package: String,
    /// The digests of its distributions.
    pub digests: Vec<ExpectedDigest>,
    /// When its status list says it was logged, in seconds since 1970.
    pub status_time: Option<u64>,
}

/// Reads what a bundle of a package says. `None` for anything else.
pub(crate) fn peek(bundle: &[u8]) -> Option<Peek> {
    let seen: Seen = serde_json::from_slice(bundle).ok()?;
    let payload = seen.payload;
    let digests = payload.distributions.iter().flat_map(|one| [one.sha256.into(), one.sha512.into()]).collect();
    let package = format!("{}:{}@{}", payload.registry_source, payload.package_name, payload.package_version);
    let times = seen.status.map(|status| status.verification_material.tlog_entries);
    let status_time = times.and_then(|entries| entries.first()?.integrated_time.parse().ok());
    Some(Peek { package, digests, status_time })
}

#[derive(Deserialize)]
struct Seen {
    payload: SeenPayload,
    #[serde(default)]
    status: Option<SeenStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenPayload {
    registry_source: String,
    package_name: String,
    package_version: String,
    distributions: Vec<SeenDistribution>,
}

#[derive(Deserialize)]
struct SeenDistribution {
    sha256: Sha256,
    sha512: Sha512,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenStatus {
    verification_material: SeenMaterial,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenMaterial {
    tlog_entries: Vec<SeenEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenEntry {
    integrated_time: String,
}
