//! The question about a package: a library, which its users call; simpler than that about a submission.

use serde_json::{Value, json};
use sigma_core::{AdvisoryState, Ballot, Delta, Dossier, EntryPointRuns, Phase};

use super::code::run;
use super::sheet::Sheet;
use super::{Prompt, Tokens, write};

const SUBJECT: &str = "\
The subject is one published version of a library package. It has no purpose of its own: what its users call decides what \
it does, so that networking, processes, files and environment variables are ordinary in a library. Look for what no library \
needs: code that acts at installation or import without being called, that takes secrets and sends them, that fetches and \
runs code, that hides what it is, or that is new in a small release and unlike its predecessor. Advisories on known \
vulnerabilities are context, no ground for UNSAFE; an advisory that calls this version malicious is.";

/// Writes the question about a package. `ballots` are those of the embedded seats, whose facts are told and whose votes are
/// not.
pub(crate) fn ask(dossier: &Dossier, ballots: &[Ballot], phase: Phase, tokens: Tokens) -> Prompt {
    let mut sheet = Sheet::new(&tokens.decoy);
    let report = &dossier.report;
    let distributions: Vec<Value> = report
        .distributions
        .iter()
        .map(|one| {
            json!({
                "kind": one.kind,
                "files": one.coverage.files,
                "sourceFiles": one.coverage.source_files,
                "parsed": one.coverage.parsed,
                "binaries": one.coverage.binaries.len(),
                "notRead": one.coverage.skipped_total,
                "capabilities": one.capabilities,
                "hosts": sheet.quote_all(&one.hosts),
                "installHooks": sheet.quote_all(&one.install_hooks),
                "entryPoints": sheet.quote_all(&one.entry_points),
            })
        })
        .collect();
    let name = sheet.quote(dossier.package.name().as_str());
    let version = sheet.quote(dossier.package.version());
    let advisories = match &dossier.advisories.state {
        AdvisoryState::Unavailable { .. } => json!("unavailable: nothing is known"),
        AdvisoryState::Listed { advisories } => {
            let worst = advisories.iter().map(|advisory| advisory.severity).max();
            json!({"listed": advisories.len(), "worst": worst})
        }
    };
    let about = json!({
        "kind": "package",
        "ecosystem": dossier.package.ecosystem(),
        "name": name,
        "version": version,
        "ruleset": report.ruleset,
        "analysisType": report.analysis_type,
        "distributions": distributions,
        "yanked": dossier.release.yanked.is_some(),
        "deprecated": dossier.release.deprecated.is_some(),
        "advisories": advisories,
        "attestations": {"status": dossier.provenance.status(), "publisherChange": dossier.provenance.change()},
        "sinceLastCertified": dossier.delta.as_ref().map(|delta| news(delta, &mut sheet)),
    });
    if let Value::Object(mut about) = about {
        // Where nobody asked for runs, the question is what it was before there were any.
        if let Some(runs) = &dossier.entry_points {
            about.insert("commandsAskedForHelp".to_owned(), commands(runs, &mut sheet));
        }
        sheet.about = about;
    }
    sheet.add_facts(report.findings(), ballots);
    write(phase, SUBJECT, sheet, tokens)
}

/// What the package's commands did when each was started with `--help` in isolation.
fn commands(runs: &EntryPointRuns, sheet: &mut Sheet) -> Value {
    let each: Vec<Value> = runs
        .runs
        .iter()
        .map(|one| json!({"command": sheet.quote(&one.command), "run": run(&one.execution, sheet)}))
        .collect();
    json!({
        "notRunAtAll": runs.obstacle.as_deref().map(|why| sheet.quote(why)),
        "declared": runs.declared,
        "runs": each,
    })
}

fn news(delta: &Delta, sheet: &mut Sheet) -> Value {
    let distributions: Vec<Value> = delta
        .distributions
        .iter()
        .map(|one| {
            json!({
                "newCapabilities": one.capabilities.iter().map(|gain| gain.capability).collect::<Vec<_>>(),
                "newHosts": sheet.quote_all(&one.hosts),
                "newInstallHooks": sheet.quote_all(&one.install_hooks),
                "newRules": one.rules.iter().map(|rule| rule.rule.as_str()).collect::<Vec<_>>(),
                "firstBinaries": one.first_binaries,
            })
        })
        .collect();
    json!({
        "step": delta.step.to_string(),
        "newPublisher": delta.newcomer().is_some(),
        "distributions": distributions,
    })
}
