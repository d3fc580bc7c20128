//! The package says it is another.

use sigma_core::{Category, Ecosystem, Severity, printable};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "identity-mismatch",
    category: Category::Identity,
    capability: None,
    severity: Severity::High,
    message: "The package calls itself by another name or version than the one it was published as.",
    why: "An archive that calls itself by another name or version than the one it was published as was built from \
          something else, or wants to be taken for it.",
    false_positives: "Spelling that the ecosystems treat as equal (case, hyphens and dots, 1.0 and 1.0.0, a leading v) \
          is not reported.",
    example: "published as demo 1.0.0, package.json says: other 2.0.0",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some(package) = distribution.package() else { return };
    for identity in &distribution.manifests.identities {
        let name = match package.ecosystem() {
            Ecosystem::Pypi => normalised(&identity.name) == normalised(package.name().as_str()),
            Ecosystem::Npm => identity.name == package.name().as_str(),
        };
        let version = same_version(&identity.version, package.version());
        if !name || !version {
            let seen = format!("{} {}", identity.name, identity.version);
            let hit = hits.hit(&seen).file(identity.file.clone());
            let sentence = format!(
                "The package calls itself {}, but was published as {} {}.",
                printable(&seen, 80),
                package.name(),
                package.version()
            );
            hits.push(hit.message(sentence));
        }
    }
}

/// PEP 503.
fn normalised(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// Versions are compared as their ecosystems write them: `1.0` and `1.0.0`, `v1.0` and `1.0`, `1.0-rc1` and `1.0rc1` are
/// the same.
fn same_version(left: &str, right: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().trim_start_matches(['v', '=']).to_ascii_lowercase();
        let text = text.split('+').next().unwrap_or_default().replace(['-', '_'], ".");
        let parts: Vec<String> = text
            .split('.')
            .filter(|part| !part.is_empty())
            .map(|part| part.trim_start_matches('0').to_owned())
            .collect();
        let end = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |at| at + 1);
        parts[..end].join(".")
    };
    plain(left) == plain(right) || plain(left).replace('.', "") == plain(right).replace('.', "")
}
