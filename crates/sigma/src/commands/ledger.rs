//! `sigma ledger` and `sigma verify`: certificates that strangers can check without trusting the server.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sigma_certificate::files_hash;
use sigma_core::Sha256;
use sigma_ledger::{
    Artifact, MAX_BUNDLE, Outcome as Proven, Policy, Report, Stale, State, TrustedRoot, verify as check,
};
use sigma_pipeline::LedgerFolder;

use crate::args::{Args, Format, LedgerArgs, LedgerCommand, Verify};
use crate::config::Config;
use crate::{Outcome, wire};

/// Runs `sigma ledger`.
pub async fn run(args: &Args, command: &LedgerArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let folder = folder(&config);
    match &command.command {
        LedgerCommand::Init { origin } => {
            folder.create(origin, wire::now())?;
            let root = config.ledger.folder(&config.store).join("trusted_root.json");
            super::print(&format!("the log {origin} begins; hand out {}\n", root.display()))?;
        }
        LedgerCommand::Sync => {
            let store = wire::store(&config).await?;
            let synced = folder.open()?.sync(&store, wire::now()).await?;
            let status = if synced.status { ", a new status list" } else { "" };
            super::print(&format!(
                "{} certificate(s) and {} decision(s) logged{status}; the log has {} entries\n",
                synced.certificates, synced.decisions, synced.size
            ))?;
        }
        LedgerCommand::Fsck => {
            let report = folder.reader()?.fsck()?;
            let mut text = format!("{} entries in {} tiles and bundles hashed\n", report.entries, report.resources);
            for problem in &report.problems {
                let _ = writeln!(text, "  {problem}");
            }
            super::print(&text)?;
            return Ok(if report.problems.is_empty() { Outcome::Pass } else { Outcome::PolicyFailure });
        }
        LedgerCommand::Bundle { id } => {
            let store = wire::store(&config).await?;
            let Some(bundle) = folder.reader()?.bundle(&store, id).await? else {
                let id = sigma_core::printable(id, 80);
                eprintln!("{id} is no certificate of this store, or it is not logged yet: run `sigma ledger sync`");
                return Ok(Outcome::Undecided);
            };
            super::print(&format!("{}\n", serde_json::to_string(&bundle)?))?;
        }
    }
    Ok(Outcome::Pass)
}

fn folder(config: &Config) -> LedgerFolder {
    LedgerFolder::new(&config.ledger.folder(&config.store))
}

/// Runs `sigma verify`: offline, with the keys of a pinned root.
pub async fn verify(args: &Args, command: &Verify) -> Result<Outcome> {
    let config = wire::config(args)?;
    let root = command.root.clone().unwrap_or_else(|| config.ledger.folder(&config.store).join("trusted_root.json"));
    let root = read(&root, MAX_BUNDLE as u64).context("the trusted root; name the one that you pinned with --root")?;
    let root = TrustedRoot::parse(&root)?;
    let bundle = read(&command.bundle, MAX_BUNDLE as u64)?;
    let artifact = command.artifact.as_deref().map(artifact).transpose()?;
    let mut policy = Policy::at(wire::now());
    if command.require_fresh {
        policy.stale = Stale::Refuse;
    }
    let mut report = check(&bundle, &root, artifact, &policy);
    let settled = super::chain::settle(&config.chain, &command.chain, &mut report).await?;
    super::print(&match command.format {
        Format::Json => format!("{:#}\n", serde_json::to_value(&report)?),
        Format::Table | Format::Markdown => table(&report),
    })?;
    Ok(match report.outcome {
        // Proven to be a rejection: that is no pass.
        Proven::Valid | Proven::ValidFreshnessUnknown if !is_approved(&report) => Outcome::PolicyFailure,
        // A chain was to be asked, and did not say so.
        Proven::Valid | Proven::ValidFreshnessUnknown if !settled => Outcome::Undecided,
        Proven::Valid => Outcome::Pass,
        Proven::ValidFreshnessUnknown => Outcome::Stale,
        Proven::Invalid => Outcome::PolicyFailure,
    })
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > most {
        bail!("{} has more than {most} bytes", path.display());
    }
    Ok(bytes)
}

/// A folder is compared as a set of files, a SKILL.md with its line ends normalised, any other file by its bytes.
fn artifact(path: &Path) -> Result<Artifact> {
    if path.is_dir() {
        return Ok(Artifact::FileSet(files_hash(&super::hash::collect(path)?)));
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_skill = path.file_name().is_some_and(|name| name == "SKILL.md");
    Ok(Artifact::File(match is_skill {
        true => sigma_intake::skill::read("SKILL.md", &bytes, "").sha256_lf,
        false => Sha256::of(&bytes),
    }))
}

fn is_approved(report: &Report) -> bool {
    report.properties.iter().any(|property| property == "SIGMA_APPROVED")
}

fn table(report: &Report) -> String {
    let mut out = String::new();
    if let Some(id) = &report.certificate_id {
        let _ = writeln!(out, "{id}  {}", report.properties.join(", "));
        for subject in report.subjects.iter().take(10) {
            let _ = writeln!(out, "  about {}", sigma_core::printable(&subject.name, 200));
        }
    }
    for check in &report.checks {
        let state = match check.state {
            State::Proven => "proven    ",
            State::NotProven => "not proven",
            State::Failed => "FAILED    ",
        };
        let name = serde_json::to_value(check.check).ok().and_then(|name| name.as_str().map(str::to_owned));
        let _ = writeln!(out, "  {state}  {:<10}  {}", name.unwrap_or_default(), check.detail);
    }
    out.push_str(match report.outcome {
        Proven::Valid | Proven::ValidFreshnessUnknown if !is_approved(report) => "VALID, and it says BLOCKED\n",
        Proven::Valid => "VALID\n",
        Proven::ValidFreshnessUnknown => "VALID, and whether it was revoked since is not known\n",
        Proven::Invalid => "INVALID\n",
    });
    out
}
