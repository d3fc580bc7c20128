//! `sigma certificate`: what operators decide about certificates.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use sigma_certificate::Action;
use sigma_core::printable;
use sigma_pipeline::ReauditError;
use sigma_store::{AdminEvent, NewDecision};

use crate::args::{Args, CertificateArgs, CertificateCommand, Decide};
use crate::{Outcome, wire};

/// Characters of a reason or a name.
const MAX_TEXT: usize = 1000;

/// Runs the command. An unknown certificate is exit code 3: nothing was decided.
pub async fn run(args: &Args, command: &CertificateArgs) -> Result<Outcome> {
    let (decide, action) = match &command.command {
        CertificateCommand::Revoke(decide) => (decide, Action::Revoke),
        CertificateCommand::Block(decide) => (decide, Action::Block),
        CertificateCommand::Override { decide, level } => (decide, Action::Override(*level)),
        CertificateCommand::Reaudit(decide) => return reaudit(args, decide).await,
        CertificateCommand::Log { id } => return log(args, id).await,
    };
    let store = wire::store(&wire::config(args)?).await?;
    let Some(event) = store.decide(&decision(decide, action)?).await? else { return unknown(&decide.id) };
    super::print(&line(&event))?;
    Ok(Outcome::Pass)
}

fn decision(decide: &Decide, action: Action) -> Result<NewDecision> {
    Ok(NewDecision {
        certificate: decide.id.clone(),
        action,
        reason: text_of("--reason", &decide.why.reason)?,
        operator: text_of("--by", &decide.why.by)?,
        at: wire::now(),
    })
}

/// A text for the log: bounded and printable.
pub fn text_of(what: &str, text: &str) -> Result<String> {
    let length = text.chars().count();
    ensure!(!text.trim().is_empty() && length <= MAX_TEXT, "{what}: got {length} characters, expected 1 to {MAX_TEXT}");
    Ok(printable(text.trim(), 10 * MAX_TEXT))
}

/// Asks for a new audit. A worker does it.
async fn reaudit(args: &Args, decide: &Decide) -> Result<Outcome> {
    let config = wire::config(args)?;
    let (reason, by) = (text_of("--reason", &decide.why.reason)?, text_of("--by", &decide.why.by)?);
    let hall = wire::hall(&config, wire::store(&config).await?, wire::rules(&config)?, false)?;
    match hall.request_reaudit(&decide.id, &reason, &by).await {
        Ok(job) => {
            super::print(&format!("{job} audits it again; a worker runs it\n"))?;
            Ok(Outcome::Pass)
        }
        Err(ReauditError::Store(error)) => Err(error.into()),
        Err(error) => {
            eprintln!("{error}");
            Ok(Outcome::Undecided)
        }
    }
}

async fn log(args: &Args, id: &str) -> Result<Outcome> {
    let store = wire::store(&wire::config(args)?).await?;
    if store.any_certificate(id).await?.is_none() {
        return unknown(id);
    }
    let events = store.admin_events(id).await?;
    let mut text: String = events.iter().map(line).collect();
    if events.is_empty() {
        text.push_str("nothing was decided about this certificate: it stands as it was sealed\n");
    }
    super::print(&text)?;
    Ok(Outcome::Pass)
}

fn line(event: &AdminEvent) -> String {
    let decision = &event.decision;
    let what = match decision.action {
        Action::Revoke => "revoked".to_owned(),
        Action::Block => "blocked".to_owned(),
        Action::Override(level) => format!("overridden to {level}"),
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "#{} {} {} {what} by {}: {}",
        event.seq, decision.at, decision.certificate, decision.operator, decision.reason
    );
    text
}

fn unknown(id: &str) -> Result<Outcome> {
    eprintln!("no certificate {} in the store", printable(id, 80));
    Ok(Outcome::Undecided)
}
