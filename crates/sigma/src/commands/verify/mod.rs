//! `sigma verify`: what somebody has, against certificates and a pinned root.
//!
//! In: a bundle, a distribution, a lockfile or a folder. Out: what is proven about it, and what is not. Bundles come from a
//! folder, the store or a server; which of them makes no difference to what is believed.

mod project;
mod server;
mod source;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sigma_core::printable;
use sigma_ledger::Policy;
use sigma_verify::{Outcome as Proof, Prover, Section, Verification, Wanted, environments, file, lockfile};

use super::audit::Unreached;
use crate::args::{Args, Format, Verify};
use crate::{Outcome, render, wire};

pub use server::Server;
use source::Source;

/// Runs the command.
pub async fn run(args: &Args, command: &Verify) -> Result<Outcome> {
    let config = wire::config(args)?;
    let root = super::ledger::root(command.root.as_deref(), &config)?;
    let is_folder =
        std::fs::metadata(&command.what).with_context(|| format!("cannot read {}", command.what.display()))?.is_dir();
    if command.artifact.is_some() || (!is_folder && is_bundle(&command.what)?) {
        return super::ledger::verify(&config, command, &root).await;
    }
    let mut source = Source::open(command, &config).await?;
    let prover = Prover::new(root, Policy::at(wire::now()), command.fail_on, command.require_fresh);
    let mut verifying = Verifying { prover: prover.accepting(command.accept.iter().cloned()), sections: Vec::new() };
    match project::locks(command, &config, is_folder)? {
        Some(locks) => {
            let mut locked = Vec::new();
            for lock in locks {
                let candidates = source.candidates(&lock.wanted.iter().collect::<Vec<_>>()).await?;
                verifying.prover.learn_status(&candidates);
                let section =
                    lockfile(&verifying.prover, lock.path, &lock.wanted, &candidates, lock.refused, lock.problems);
                verifying.sections.push(section);
                locked.extend(lock.wanted);
            }
            if is_folder {
                verifying.environments(&command.what, &mut source, &locked).await?;
            }
        }
        None => {
            let name = command.what.file_name().unwrap_or_default().to_string_lossy();
            let wanted = Wanted::file(&name, super::ledger::digest(&command.what)?);
            let candidates = source.candidates(&[&wanted]).await?;
            verifying.prover.learn_status(&candidates);
            let path = printable(&command.what.to_string_lossy(), 400);
            verifying.sections.push(file(&verifying.prover, path, &wanted, &candidates[0]));
        }
    }
    source.save()?;
    let Verifying { prover, mut sections } = verifying;
    let chain = super::chain::settle_all(&config.chain, &command.chain, &mut sections).await?;
    let verification = Verification::new(prover.root(), source.name(), prover.status(), chain, sections);
    super::print(&match command.format {
        Format::Json => format!("{:#}\n", serde_json::to_value(&verification)?),
        Format::Table | Format::Markdown => render::verify::table(&verification),
    })?;
    Ok(match verification.outcome {
        Proof::Proven | Proof::Advisory => Outcome::Pass,
        Proof::FreshnessUnknown => Outcome::Stale,
        Proof::Undecided => Outcome::Undecided,
        Proof::Failed => Outcome::PolicyFailure,
    })
}

struct Verifying {
    prover: Prover,
    sections: Vec<Section>,
}

impl Verifying {
    async fn environments(&mut self, folder: &Path, source: &mut Source, locked: &[Wanted]) -> Result<()> {
        for environment in environments(folder) {
            let wanted = environment.packages();
            let candidates = source.candidates(&wanted).await?;
            self.prover.learn_status(&candidates);
            let proven: Vec<_> = candidates.iter().map(|candidates| self.prover.prove_all(candidates)).collect();
            let lists = source.lists(proven.iter().flatten()).await?;
            self.sections.push(environment.compare(&self.prover, &proven, &lists).against(locked));
        }
        Ok(())
    }
}

/// Whether a file is a bundle: JSON that says so.
fn is_bundle(path: &Path) -> Result<bool> {
    let mut begin = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(4096).read_to_end(&mut begin).with_context(|| format!("cannot read {}", path.display()))?;
    if begin.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Ok(false);
    }
    // Lockfiles of npm are JSON objects too, and larger than bundles.
    let Ok(bytes) = super::ledger::read(path, sigma_ledger::MAX_BUNDLE as u64) else { return Ok(false) };
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(value.get("mediaType").is_some())
}

/// A source that does not answer: nothing could be decided.
fn unreached(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Unreached(format!("could not decide: {error}")))
}
