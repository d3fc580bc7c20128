//! npm's bulk advisory endpoint, as `npm audit` asks it.
//!
//! In: exact packages. Out: one snapshot each, in the same order. An endpoint that does not answer, or not with
//! advisories, makes its packages' advisories unavailable; an answer that cannot be read is never "none known".

use std::collections::{BTreeMap, BTreeSet};

use deno_semver::{RangeBound, Version, VersionBoundKind};
use futures::StreamExt as _;
use serde::Deserialize;
use sigma_core::{Advisory, AdvisorySeverity, AdvisorySnapshot, AdvisoryState, PackageId, Timestamp, printable};
use url::Url;

use super::spec::parse_range;
use crate::Http;

/// Packages asked for at once. npm itself sends all in one request; smaller ones fail apart.
const CHUNK: usize = 250;
const SOURCE: &str = "npm bulk advisories";

type Answer = BTreeMap<String, Vec<Wire>>;

#[derive(Debug, Clone, Deserialize)]
struct Wire {
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    vulnerable_versions: Option<String>,
    #[serde(default)]
    patched_versions: Option<String>,
    #[serde(default)]
    cves: Vec<String>,
}

/// Asks for the advisories of exact packages.
pub(super) async fn ask(http: &Http, registry: &Url, ids: &[PackageId], now: Timestamp) -> Vec<AdvisorySnapshot> {
    // Collected first: a closure inside the stream would keep the future from being sent between threads.
    let chunks: Vec<_> = ids.chunks(CHUNK).map(|chunk| ask_chunk(http, registry, chunk)).collect();
    let states: Vec<Vec<AdvisoryState>> = futures::stream::iter(chunks).buffered(4).collect().await;
    let snapshot = |state| AdvisorySnapshot { source: SOURCE.to_owned(), queried_at: now, state };
    states.into_iter().flatten().map(snapshot).collect()
}

async fn ask_chunk(http: &Http, registry: &Url, ids: &[PackageId]) -> Vec<AdvisoryState> {
    let mut body: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for id in ids {
        body.entry(id.name().as_str()).or_default().insert(id.version());
    }
    let answer = async {
        let url = registry.join("-/npm/v1/security/advisories/bulk").map_err(|error| error.to_string())?;
        let bytes = http.post_json(&url, &serde_json::json!(body)).await.map_err(|error| error.to_string())?;
        serde_json::from_slice::<Answer>(&bytes)
            .map_err(|error| format!("the answer is no list of advisories: {error}"))
    };
    match answer.await {
        Ok(answer) => ids.iter().map(|id| state_of(id, &answer)).collect(),
        Err(reason) => {
            let reason = printable(&reason, 300);
            ids.iter().map(|_| AdvisoryState::Unavailable { reason: reason.clone() }).collect()
        }
    }
}

fn state_of(id: &PackageId, answer: &Answer) -> AdvisoryState {
    let wires = answer.get(id.name().as_str()).map(Vec::as_slice).unwrap_or_default();
    let covering = wires.iter().filter(|wire| covers(wire.vulnerable_versions.as_deref(), id.version()));
    let mut advisories: Vec<Advisory> = covering.map(advisory).collect();
    advisories.sort();
    advisories.dedup();
    AdvisoryState::Listed { advisories }
}

/// Whether a range holds the version, pre-releases included (as `npm audit` asks). A range or version that cannot be read
/// covers: better one advisory too many.
fn covers(range: Option<&str>, version: &str) -> bool {
    let (Some(range), Ok(version)) = (range.and_then(parse_range), Version::parse_from_npm(version)) else {
        return true;
    };
    let Some(set) = range.range() else { return true };
    set.0.iter().any(|range| {
        let above = match &range.start {
            RangeBound::Unbounded => true,
            RangeBound::Version(bound) if bound.kind == VersionBoundKind::Inclusive => version >= bound.version,
            RangeBound::Version(bound) => version > bound.version,
        };
        let below = match &range.end {
            RangeBound::Unbounded => true,
            RangeBound::Version(bound) if bound.kind == VersionBoundKind::Inclusive => version <= bound.version,
            RangeBound::Version(bound) => version < bound.version,
        };
        above && below
    })
}

fn advisory(wire: &Wire) -> Advisory {
    let url = wire.url.as_deref().map(|url| printable(url, 300));
    let ghsa = url.as_deref().and_then(|url| url.rsplit('/').next()).filter(|id| id.starts_with("GHSA-"));
    let number = match &wire.id {
        serde_json::Value::Number(number) => Some(format!("npm:{number}")),
        serde_json::Value::String(text) => Some(printable(text, 60)),
        _ => None,
    };
    let mut aliases: Vec<String> = wire.cves.iter().take(50).map(|cve| printable(cve, 60)).collect();
    let id = match (ghsa, number) {
        (Some(ghsa), number) => {
            aliases.extend(number);
            ghsa.to_owned()
        }
        (None, Some(number)) => number,
        (None, None) => "unnamed".to_owned(),
    };
    aliases.sort();
    aliases.dedup();
    Advisory {
        id,
        aliases,
        title: printable(wire.title.as_deref().unwrap_or("no title"), 300),
        severity: match wire.severity.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("low" | "info") => AdvisorySeverity::Low,
            Some("moderate" | "medium") => AdvisorySeverity::Moderate,
            Some("high") => AdvisorySeverity::High,
            Some("critical") => AdvisorySeverity::Critical,
            _ => AdvisorySeverity::Unknown,
        },
        url,
        vulnerable_versions: wire.vulnerable_versions.as_deref().map(|range| printable(range, 300)),
        fixed_in: wire.patched_versions.iter().map(|range| printable(range, 120)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    fn check(range: Option<&str>, version: &str, expect: bool) {
        assert_eq!(covers(range, version), expect, "{range:?} {version}");
    }

    #[test]
    fn the_exact_version_decides_and_doubt_counts_as_covered() {
        check(Some("<4.17.21"), "4.17.20", true);
        check(Some("<4.17.21"), "4.17.21", false);
        check(Some(">=1.0.0 <2.0.0 || >=3.0.0 <3.1.0"), "3.0.5", true);
        check(Some("<2.0.0"), "2.0.0-beta.1", true);
        check(Some("*"), "1.0.0-rc.1", true);
        check(Some("what is this"), "1.0.0", true);
        check(None, "1.0.0", true);
    }
}
