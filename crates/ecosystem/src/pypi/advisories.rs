//! Advisories from PyPI's release JSON (`<pypi_json>/<name>/<version>/json`, field `vulnerabilities`).
//!
//! In: bytes from the index. Out: a snapshot. An answer without that field, as mirrors give, is unavailable: it must
//! never read as "none known".

use serde::Deserialize;
use sigma_core::{Advisory, AdvisorySeverity, AdvisorySnapshot, AdvisoryState, PackageId, Timestamp, printable};
use url::Url;

use crate::{EcosystemConfig, Http};

/// Advisories of one version that are kept. The most any real version has is about 100.
const MAX_ADVISORIES: usize = 2000;

/// Texts kept in each list of an advisory.
const MAX_LIST: usize = 50;

#[derive(Deserialize)]
struct Answer {
    vulnerabilities: Vec<Vulnerability>,
}

/// As PyPI writes it (warehouse, `legacy/api/json.py`), with `severity` where a mirror adds OSV's.
#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    aliases: Option<Vec<String>>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    fixed_in: Option<Vec<String>>,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default)]
    severity: serde_json::Value,
}

/// Asks for the advisories of one exact version.
pub(super) async fn snapshot(
    http: &Http,
    config: &EcosystemConfig,
    id: &PackageId,
    now: Timestamp,
) -> AdvisorySnapshot {
    let state = match ask(http, config, id).await {
        Ok(advisories) => AdvisoryState::Listed { advisories },
        Err(reason) => AdvisoryState::Unavailable { reason: printable(&reason, 400) },
    };
    AdvisorySnapshot { source: "PyPI release JSON".to_owned(), queried_at: now, state }
}

async fn ask(http: &Http, config: &EcosystemConfig, id: &PackageId) -> Result<Vec<Advisory>, String> {
    let url = address(&config.pypi_json, id).ok_or("the address of the JSON API cannot be extended")?;
    let bytes = http.get(&url, "application/json").await.map_err(|error| error.to_string())?;
    read(&bytes)
}

fn address(base: &Url, id: &PackageId) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend([id.name().as_str(), id.version(), "json"]);
    Some(url)
}

/// Reads an answer; the reason when it is not one.
fn read(bytes: &[u8]) -> Result<Vec<Advisory>, String> {
    let answer: Answer =
        serde_json::from_slice(bytes).map_err(|error| format!("the answer is not release JSON: {error}"))?;
    if answer.vulnerabilities.len() > MAX_ADVISORIES {
        return Err(format!(
            "the answer lists {} advisories, more than {MAX_ADVISORIES}",
            answer.vulnerabilities.len()
        ));
    }
    let mut advisories: Vec<Advisory> =
        answer.vulnerabilities.into_iter().filter(|one| one.withdrawn.is_none()).map(advisory).collect();
    advisories.sort();
    advisories.dedup();
    Ok(advisories)
}

fn advisory(one: Vulnerability) -> Advisory {
    let texts = |list: Option<Vec<String>>| -> Vec<String> {
        let mut texts: Vec<_> = list.unwrap_or_default().iter().map(|text| printable(text, 100)).collect();
        texts.truncate(MAX_LIST);
        texts
    };
    let summary = one.summary.filter(|text| !text.trim().is_empty());
    let title = summary.or(one.details).unwrap_or_default();
    let title = title.split_whitespace().take(80).collect::<Vec<_>>().join(" ");
    let link = one.link.filter(|link| {
        Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty())
    });
    Advisory {
        id: printable(&one.id, 100),
        aliases: texts(one.aliases),
        title: printable(&title, 299),
        severity: severity(&one.severity),
        url: link.map(|link| printable(&link, 500)),
        vulnerable_versions: None,
        fixed_in: texts(one.fixed_in),
    }
}

/// A word (`"HIGH"`) or a CVSS 3 base score (`7.5`), alone or inside OSV's list of `{type, score}`; PyPI itself gives
/// none. A CVSS vector is not computed: it stays unknown rather than half-known.
fn severity(value: &serde_json::Value) -> AdvisorySeverity {
    use serde_json::Value;
    let word = |text: &str| match text.to_ascii_uppercase().as_str() {
        "LOW" => Some(AdvisorySeverity::Low),
        "MODERATE" | "MEDIUM" => Some(AdvisorySeverity::Moderate),
        "HIGH" => Some(AdvisorySeverity::High),
        "CRITICAL" => Some(AdvisorySeverity::Critical),
        number => number.parse().ok().map(score),
    };
    match value {
        Value::String(text) => word(text).unwrap_or(AdvisorySeverity::Unknown),
        Value::Number(number) => number.as_f64().map_or(AdvisorySeverity::Unknown, score),
        Value::Array(list) => list
            .iter()
            .take(MAX_LIST)
            .filter_map(|entry| word(entry.get("score")?.as_str()?))
            .max()
            .unwrap_or(AdvisorySeverity::Unknown),
        _ => AdvisorySeverity::Unknown,
    }
}

/// CVSS 3.1, section 5 "Qualitative Severity Rating Scale".
fn score(score: f64) -> AdvisorySeverity {
    match score {
        9.0..=10.0 => AdvisorySeverity::Critical,
        7.0..9.0 => AdvisorySeverity::High,
        4.0..7.0 => AdvisorySeverity::Moderate,
        0.1..4.0 => AdvisorySeverity::Low,
        _ => AdvisorySeverity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> String {
        match read(json.as_bytes()) {
            Ok(list) => format!("{} listed\n{}", list.len(), serde_json::to_string_pretty(&list).unwrap()),
            Err(reason) => reason,
        }
    }

    #[test]
    fn advisories_are_read_and_withdrawn_ones_are_not() {
        let json = r#"{"info": {}, "vulnerabilities": [
            {"id": "PYSEC-2", "aliases": ["CVE-1"], "details": "Line one\nline \u202e two", "summary": null,
             "fixed_in": ["2.0"], "link": "https://osv.dev/PYSEC-2", "source": "osv", "withdrawn": null},
            {"id": "GHSA-1", "summary": "Short", "link": "javascript:alert(1)", "severity": "HIGH"},
            {"id": "GONE-1", "withdrawn": "2024-01-01T00:00:00Z"}]}"#;
        insta::assert_snapshot!(check(json), @r#"
        2 listed
        [
          {
            "id": "GHSA-1",
            "aliases": [],
            "title": "Short",
            "severity": "HIGH",
            "url": null,
            "vulnerableVersions": null,
            "fixedIn": []
          },
          {
            "id": "PYSEC-2",
            "aliases": [
              "CVE-1"
            ],
            "title": "Line one line \\u{202e} two",
            "severity": "UNKNOWN",
            "url": "https://osv.dev/PYSEC-2",
            "vulnerableVersions": null,
            "fixedIn": [
              "2.0"
            ]
          }
        ]
        "#);
    }

    #[test]
    fn only_an_empty_list_means_none_known() {
        assert_eq!(check(r#"{"vulnerabilities": []}"#), "0 listed\n[]");
        insta::assert_snapshot!(check(r#"{"info": {}}"#), @"the answer is not release JSON: missing field `vulnerabilities` at line 1 column 12");
        insta::assert_snapshot!(check("<html>"), @"the answer is not release JSON: expected value at line 1 column 1");
        assert!(check(&"[".repeat(100_000)).starts_with("the answer is not release JSON"));
    }

    #[test]
    fn severities_are_words_or_scores() {
        let check = |json: &str| severity(&serde_json::from_str(json).unwrap()).as_str();
        assert_eq!(check("\"medium\""), "MODERATE");
        assert_eq!(check("9.8"), "CRITICAL");
        assert_eq!(check(r#"[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]"#), "UNKNOWN");
        assert_eq!(check(r#"[{"type": "X", "score": "7.5"}]"#), "HIGH");
        assert_eq!(check("null"), "UNKNOWN");
        assert_eq!(check("-1"), "UNKNOWN");
    }

    #[test]
    fn addresses_are_built_from_the_exact_id() {
        let base = Url::parse("https://pypi.org/pypi/").unwrap();
        let id = "pypi:torch@2.0.0+cpu".parse().unwrap();
        assert_eq!(address(&base, &id).unwrap().as_str(), "https://pypi.org/pypi/torch/2.0.0+cpu/json");
    }
}
