//! `sigma ledger` and `sigma verify`: certificates that strangers can check without trusting the server.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sigma_certificate::files_hash;
use sigma_core::Sha256;
use sigma_ledger::{Artifact, MAX_BUNDLE, Outcome as Proven, Policy, Report, Stale, TrustedRoot, verify as check};
use sigma_pipeline::{LedgerError, Synced};
use sigma_store::Duty;

use crate::args::{Args, Format, LedgerArgs, LedgerCommand, Verify};
use crate::config::Config;
use crate::render::verify::check_line;
use crate::{Outcome, wire};

/// Runs `sigma ledger`.
pub async fn run(args: &Args, command: &LedgerArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let folder = wire::ledger(&config)?;
    match &command.command {
        LedgerCommand::Init { origin, issuer_key } => {
            let issuer = issuer_key.as_deref().map(|path| read(path, MAX_KEY)).transpose()?;
            // Keys of a log without a store would be in nobody's way until there is one.
            let store = wire::store(&config).await?;
            folder.create(origin, issuer.as_deref(), wire::now())?;
            store.bind_log(origin, wire::now()).await?;
            let root = config.ledger.folder(&config.store).join("trusted_root.json");
            super::print(&format!("the log {origin} begins; hand out {}\n", root.display()))?;
        }
        LedgerCommand::Sync => {
            let store = wire::store(&config).await?;
            let Some(_claim) = store.try_claim(Duty::Log).await? else { return Err(LedgerError::Busy.into()) };
            let mut ledger = folder.open()?;
            let mut synced = ledger.sync(&store, true, wire::now()).await?;
            while synced.more {
                let next = ledger.sync(&store, true, wire::now()).await?;
                synced = Synced {
                    certificates: synced.certificates + next.certificates,
                    decisions: synced.decisions + next.decisions,
                    status: synced.status || next.status,
                    ..next
                };
            }
            let status = if synced.status { ", a new status list" } else { "" };
            super::print(&format!(
                "{} certificate(s) and {} decision(s) logged{status}; the log has {} entries\n",
                synced.certificates, synced.decisions, synced.size
            ))?;
            let asked = ledger.asking().round(wire::now()).await?;
            for (name, why) in &asked.failed {
                eprintln!("the witness {}: {why}", sigma_core::printable(name, 80));
            }
            if asked.signed > 0 {
                super::print(&format!("{} witness(es) signed {} entries\n", asked.signed, asked.size))?;
            }
        }
        LedgerCommand::Fsck => return fsck(&config).await,
        LedgerCommand::Keys(command) => return super::keys::run(&config, &folder, command).await,
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

/// Hashes the whole log again, and compares its times with those of the store.
pub async fn fsck(config: &Config) -> Result<Outcome> {
    let reader = wire::ledger(config)?.reader()?;
    let mut report = reader.fsck()?;
    if report.problems.is_empty() {
        report.problems = reader.check_times(&wire::store(config).await?).await?;
    }
    let mut text = format!("{} entries in {} tiles and bundles hashed\n", report.entries, report.resources);
    for problem in &report.problems {
        let _ = writeln!(text, "  {problem}");
    }
    super::print(&text)?;
    Ok(if report.problems.is_empty() { Outcome::Pass } else { Outcome::PolicyFailure })
}

/// A public key has a few hundred bytes.
const MAX_KEY: u64 = 16 << 10;

/// The root that was pinned: the one that is named, or that of the store's own ledger.
pub fn root(named: Option<&Path>, config: &Config) -> Result<TrustedRoot> {
    let own = || config.ledger.folder(&config.store).join("trusted_root.json");
    let root = read(&named.map_or_else(own, Path::to_owned), MAX_BUNDLE as u64);
    Ok(TrustedRoot::parse(&root.context("the trusted root; name the one that you pinned with --root")?)?)
}

/// Runs `sigma verify` on a bundle: offline, with the keys of a pinned root.
pub async fn verify(config: &Config, command: &Verify, root: &TrustedRoot) -> Result<Outcome> {
    let bundle = read(&command.what, MAX_BUNDLE as u64)?;
    let artifact = command.artifact.as_deref().map(artifact).transpose()?;
    let mut policy = Policy::at(wire::now());
    if command.require_fresh {
        policy.stale = Stale::Refuse;
    }
    let mut report = check(&bundle, root, artifact, &policy);
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

/// Reads a file that has to be small.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > most {
        bail!("{} has more than {most} bytes", path.display());
    }
    Ok(bytes)
}

/// The digest that certificates know a file by: of its bytes, of a SKILL.md with its line ends normalised.
pub fn digest(path: &Path) -> Result<Sha256> {
    if path.file_name().is_some_and(|name| name == "SKILL.md") {
        let bytes = read(path, MAX_BUNDLE as u64)?;
        return Ok(sigma_intake::skill::sha256_lf(&bytes));
    }
    super::hash::file(path)
}

/// A folder is compared as a set of files, a SKILL.md with its line ends normalised, any other file by its bytes.
fn artifact(path: &Path) -> Result<Artifact> {
    if path.is_dir() {
        return Ok(Artifact::FileSet(files_hash(&super::hash::collect(path)?)));
    }
    Ok(Artifact::File(digest(path)?))
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
        let _ = writeln!(out, "  {}", check_line(check));
    }
    out.push_str(match report.outcome {
        Proven::Valid | Proven::ValidFreshnessUnknown if !is_approved(report) => "VALID, and it says BLOCKED\n",
        Proven::Valid => "VALID\n",
        Proven::ValidFreshnessUnknown => "VALID, and whether it was revoked since is not known\n",
        Proven::Invalid => "INVALID\n",
    });
    out
}
