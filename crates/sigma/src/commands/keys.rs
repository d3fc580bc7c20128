//! `sigma ledger keys`: rotation, revocation, witnesses, and going from one trusted root to the next.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::json;
use sigma_core::Timestamp;
use sigma_ledger::{MAX_BUNDLE, NoteKey, Policy, TrustedRoot, ValidFor, update};
use sigma_pipeline::{KeyChange, LedgerFolder, RootChanged};

use super::certificate::text_of;
use super::ledger::read;
use crate::args::{Format, KeysCommand, Whose};
use crate::config::Config;
use crate::{Outcome, wire};

/// Runs the command.
pub async fn run(config: &Config, folder: &LedgerFolder, command: &KeysCommand) -> Result<Outcome> {
    let change = match command {
        KeysCommand::List { format } => {
            super::print(&list(config, folder, *format)?)?;
            return Ok(Outcome::Pass);
        }
        KeysCommand::Ask { old, anew } => {
            super::print(&folder.ask_witness(*old, *anew)?)?;
            return Ok(Outcome::Pass);
        }
        KeysCommand::Answered { file } => {
            let store = wire::store(config).await?;
            let answer = String::from_utf8_lossy(&read(file, MAX_BUNDLE as u64)?).into_owned();
            let cosigned = folder.witness_answered(&store, &answer).await?;
            let (signed, wanted) = (cosigned.signed, cosigned.wanted);
            super::print(&format!("{signed} witness(es) signed, {wanted} asked for\n"))?;
            return Ok(if cosigned.kept { Outcome::Pass } else { Outcome::Undecided });
        }
        KeysCommand::Follow { root, next, proof } => {
            let file = |path| read(path, MAX_BUNDLE as u64);
            let root = TrustedRoot::parse(&file(root)?).context("the trusted root that you pinned")?;
            let next = update(&root, &file(next)?, &file(proof)?, &Policy::at(wire::now()))?;
            super::print(&String::from_utf8(next.to_bytes())?)?;
            return Ok(Outcome::Pass);
        }
        KeysCommand::Rotate { whose: Whose::Log, .. } => KeyChange::Log,
        KeysCommand::Rotate { whose: Whose::Issuer, issuer_key } => {
            KeyChange::Issuer { public: issuer_key.as_deref().map(|path| read(path, MAX_BUNDLE as u64)).transpose()? }
        }
        KeysCommand::Revoke { key, since, reason } => {
            let since: jiff::Timestamp =
                since.parse().context("--since: expected a time such as 2026-11-20T00:00:00Z")?;
            let since = Timestamp::from_millis(since.as_millisecond());
            KeyChange::Revoke { key: key.clone(), since, reason: text_of("--reason", reason)? }
        }
        KeysCommand::Witnesses { keys, threshold } => {
            let keys = keys.iter().map(|key| NoteKey::parse(key)).collect::<Result<_, _>>()?;
            KeyChange::Witnesses { keys, threshold: *threshold }
        }
    };
    let RootChanged { root, finished } = folder.change(&wire::store(config).await?, change, wire::now()).await?;
    let version = root.version();
    super::print(&match finished {
        false => format!("version {version} of the trusted root holds\n"),
        true => format!("version {version} of the trusted root holds: a change that was interrupted is finished\n"),
    })?;
    Ok(Outcome::Pass)
}

fn list(config: &Config, folder: &LedgerFolder, format: Format) -> Result<String> {
    let root = folder.root()?;
    let issuers = root.issuers().map(|(id, key)| ("issuer", id.to_owned(), &key.valid_for, &key.revoked));
    let logs = root.logs().map(|(key, log)| ("log", key.key().id(), &log.valid_for, &log.revoked));
    let keys: Vec<_> = issuers.chain(logs).collect();
    let witnesses = root.witnesses();
    let asked = config.ledger.witnesses()?.map_or_else(Vec::new, |asked| asked.witnesses);
    let asked = asked.into_iter().map(|witness| witness.key).filter(|key| !witnesses.keys.contains(key));
    let mut known = Vec::new();
    for key in witnesses.keys.iter().cloned().chain(asked.collect::<Vec<_>>()) {
        known.push((folder.witnessed(&key)?, key));
    }
    if format == Format::Json {
        let keys = keys.iter().map(|(whose, id, valid_for, revoked)| {
            json!({"whose": whose, "keyId": id, "validFor": valid_for, "revoked": revoked})
        });
        let names: Vec<String> = witnesses.keys.iter().map(ToString::to_string).collect();
        let view = json!({
            "version": root.version(), "keys": keys.collect::<Vec<_>>(), "witnesses": names,
            "witnessThreshold": witnesses.threshold,
            "witnessed": known.iter().map(|(seen, key)| {
                json!({"key": key.to_string(), "size": seen.map(|(size, _)| size), "at": seen.map(|(_, at)| time(at))})
            }).collect::<Vec<_>>(),
        });
        return Ok(format!("{view:#}\n"));
    }
    let mut text = format!("version {}\n", root.version());
    for (whose, id, ValidFor { start, end }, revoked) in keys {
        let end = end.map_or("now".to_owned(), |end| end.to_string());
        let _ = write!(text, "  {whose:<6}  {id}  {start} to {end}");
        if let Some(revoked) = revoked {
            let _ = write!(text, ", revoked since {}: {}", revoked.since, sigma_core::printable(&revoked.reason, 200));
        }
        text.push('\n');
    }
    for (seen, key) in &known {
        let seen = match seen {
            Some((size, at)) => format!("signed {size} entries at {}", time(*at)),
            None => "has not signed yet".to_owned(),
        };
        let _ = writeln!(text, "  witness {}  {seen}", sigma_core::printable(key.name(), 80));
    }
    let _ = writeln!(text, "  {} of {} witnesses have to sign", witnesses.threshold, witnesses.keys.len());
    Ok(text)
}

/// Seconds since 1970.
fn time(seconds: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}
