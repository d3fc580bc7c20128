//! `sigma log`: who did what, and why.

use anyhow::Result;
use serde_json::{Value, json};

use crate::args::{Args, Format, LogArgs, LogCommand};
use crate::{Outcome, render, wire};

/// Prints the log, the newest entry first.
pub async fn run(args: &Args, command: &LogArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    if let Some(LogCommand::Fsck) = command.command {
        return super::ledger::fsck(&config).await;
    }
    let store = wire::store(&config).await?;
    let entries = store.log(None, command.subject.as_deref(), command.most).await?;
    super::print(&match command.format {
        Format::Json => {
            let view = entries.iter().map(|entry| {
                json!({
                    "seq": entry.seq, "action": entry.action, "subject": entry.subject, "level": entry.level,
                    "detail": entry.detail, "reason": entry.reason, "operator": entry.operator, "at": entry.at,
                })
            });
            format!("{:#}\n", Value::from_iter(view))
        }
        Format::Table | Format::Markdown => render::operator::log(&entries),
    })?;
    Ok(Outcome::Pass)
}
