//! Every declarative rule against its own examples, through the whole engine, before the set is used.

use sigma_core::{Digests, DistributionKind, Ecosystem, Sha1, Sha256, Sha512};

use super::declared::Example;
use super::{OperatorRules, RuleProblem};
use crate::language::{Language, language_of};
use crate::{Analyser, Limits};

/// What is wrong: an example that does not show what it should, or a rule that reports an empty file.
///
/// The set is moved into an engine for as long as that takes.
pub(super) fn check(set: &mut OperatorRules, examples: Vec<(RuleProblem, Vec<Example>)>) -> Vec<RuleProblem> {
    let mut problems = Vec::new();
    let ids: Vec<(String, Option<Ecosystem>)> =
        set.rules.iter().map(|rule| (rule.id.clone(), rule.scope.ecosystem)).collect();
    let engine = Analyser::with_rules(Limits::default(), std::mem::take(set));
    for ((at, examples), (id, ecosystem)) in examples.into_iter().zip(ids) {
        for path in ["empty.py", "empty.js", "empty.txt"] {
            if hits(&engine, &id, ecosystem, path, "") {
                problems.push(RuleProblem {
                    message: format!("{id} reports an empty file; a rule of not alone needs something to look for"),
                    ..at.clone()
                });
                break;
            }
        }
        for example in examples {
            let hit = hits(&engine, &id, ecosystem, &example.path, &example.text);
            let message = match (example.hit, hit) {
                (true, false) => {
                    format!("{id}: its hit example {} does not match; change the example or the rule", example.path)
                }
                (false, true) => {
                    format!("{id}: its miss example {} matches; change the example or the rule", example.path)
                }
                _ => continue,
            };
            problems.push(RuleProblem { message, ..example.at });
        }
    }
    *set = engine.into_rules();
    problems
}

/// Whether the rule reports a file that stands alone at `path` in a package.
fn hits(engine: &Analyser, id: &str, ecosystem: Option<Ecosystem>, path: &str, text: &str) -> bool {
    let language = language_of(path, text.as_bytes());
    let npm = matches!(language, Some(Language::JavaScript | Language::TypeScript)) || path.ends_with("package.json");
    let (kind, folder) = match ecosystem {
        Some(Ecosystem::Npm) => (DistributionKind::NpmTarball, "package/"),
        None if npm => (DistributionKind::NpmTarball, "package/"),
        _ if path == "setup.py" => (DistributionKind::Sdist, "example-1.0/"),
        _ => (DistributionKind::Wheel, ""),
    };
    let digests = Digests {
        sha256: Sha256::of(text.as_bytes()),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: text.len() as u64,
    };
    let path = format!("{folder}{path}");
    let analysis = engine.analyse_files(None, kind, "example", digests, &[(&path, text.as_bytes())]);
    analysis.report.findings.iter().any(|finding| finding.rule == id)
}
