//! `sigma audit`: from a project, or one package, to a decision.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use sigma_core::{Location, Manifest, Problem, Sha256, Target};
use sigma_ecosystem::manifest::{self, ReadOptions};
use sigma_pipeline::{AuditError, AuditOptions, Decision, Policy, manifest_of};

use crate::args::{Args, Audit};
use crate::config::Config;
use crate::progress::Line;
use crate::{Outcome, render, wire};

/// The ecosystem did not answer, so that nothing could be decided: exit code 3.
#[derive(Debug)]
pub struct Unreached(pub String);

impl std::fmt::Display for Unreached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreached {}

/// Runs the command.
pub async fn run(args: &Args, command: &Audit) -> Result<Outcome> {
    let mut config = wire::config(args)?;
    config.review.run_entry_points |= command.run_entry_points;
    let (manifests, passed_over) = match &command.package {
        Some(package) => (vec![manifest_of(package, "--package")], Vec::new()),
        None => read(command, &config)?,
    };
    let (rules, waivers) = (wire::rules(&config)?, wire::waivers(&config, command.waivers.as_deref())?);
    let submission = submission(command, &manifests);
    let store = wire::store_or_told(&config).await?;
    let mut hall = wire::hall(&config, store, rules, command.offline)?;
    if config.review.run_entry_points {
        hall = hall.with_review(wire::review(&config)?);
    }
    // What is compiled for another Python could not be run.
    let python = command.python_version.or_else(|| hall.python()).unwrap_or_else(|| Target::default().python);
    let options = AuditOptions {
        target: Target { python, platform: command.platform },
        depth: command.depth,
        cap: command.cap.unwrap_or(config.audits.transitive_cap as usize),
        refresh: command.refresh,
        preview: command.preview,
        stop_early: false,
    };
    let line = Line::new();
    let audited = hall.audit_project(manifests, &options, &line).await;
    line.clear();
    let mut audit = audited.map_err(|error| match error {
        error @ (AuditError::Resolve { .. } | AuditError::Fetch { .. }) => {
            anyhow::Error::new(Unreached(format!("could not decide: {error}")))
        }
        error => error.into(),
    })?;
    audit.problems.splice(0..0, passed_over);
    if !command.preview {
        hall.book(&audit, &submission).await?;
        wire::announce(&config, hall.store()).await?;
    }

    let policy = Policy { fail_on: command.fail_on, require_advisories: command.require_advisories };
    let waived = hall.waive(&audit, &waivers).await?;
    let decision = policy.decide_waiving(&audit, &waived);
    let text = render::audit(&audit, &decision, &waived.uses, command, &config)?;
    super::print(&text)?;
    Ok(match decision {
        Decision::Pass => Outcome::Pass,
        Decision::Fail(_) => Outcome::PolicyFailure,
        Decision::Undecided(_) => Outcome::Undecided,
    })
}

/// What tells this submission from others: the place of the project and what it declares. The same project, audited again
/// without a change, is the same submission.
fn submission(command: &Audit, manifests: &[Manifest]) -> String {
    let place = std::fs::canonicalize(&command.path).unwrap_or_else(|_| command.path.clone());
    let mut text = format!("{}\n", place.display());
    for manifest in manifests {
        let _ = writeln!(text, "{} {}", manifest.ecosystem, manifest.path);
        for declared in &manifest.declared {
            let _ = writeln!(text, "{} {}", declared.name, declared.spec);
        }
    }
    format!("cli:{}", Sha256::of(text.as_bytes()))
}

/// Reads the project's manifests; what was passed over for a more exact file is told as a problem of that file.
fn read(command: &Audit, config: &Config) -> Result<(Vec<Manifest>, Vec<Problem>)> {
    let mut options = ReadOptions { include_dev: command.dev, ..ReadOptions::default() };
    options.pypi_indexes.push(config.pypi_index.clone());
    options.npm_registries.push(config.npm_registry.clone());
    options.variables = variables(&command.variables)?;
    let project = manifest::read(&command.path, &options)?;
    let passed_over = project.passed_over.into_iter().map(|text| {
        let (file, message) = text.split_once(": ").unwrap_or((text.as_str(), "not used"));
        Problem { message: message.to_owned(), at: Location { file: file.to_owned(), line: 1 } }
    });
    Ok((project.manifests, passed_over.collect()))
}

fn variables(names: &[String]) -> Result<BTreeMap<String, String>> {
    names
        .iter()
        .map(|name| {
            let value = std::env::var(name).with_context(|| format!("--env {name}: no such environment variable"))?;
            Ok((name.clone(), value))
        })
        .collect()
}
