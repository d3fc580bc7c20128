//! `sigma flags`: what the public says about certificates.

use anyhow::Result;
use serde_json::{Value, json};
use sigma_core::printable;
use sigma_store::{Flag, FlagState};

use super::certificate::text_of;
use crate::args::{Args, FlagOutcome, FlagsArgs, FlagsCommand, Format};
use crate::{Outcome, render, wire};

/// Runs the command. A flag that is not open is exit code 3.
pub async fn run(args: &Args, command: &FlagsArgs) -> Result<Outcome> {
    let store = wire::store(&wire::config(args)?).await?;
    match &command.command {
        FlagsCommand::List { all, most, format } => {
            let flags = store.flags((!all).then_some(FlagState::Open), None, *most).await?;
            super::print(&match format {
                Format::Json => format!("{:#}\n", Value::from_iter(flags.iter().map(view))),
                Format::Table | Format::Markdown => render::operator::flags(&flags),
            })?;
        }
        FlagsCommand::Settle { id, outcome, why } => {
            let (reason, by) = (text_of("--reason", &why.reason)?, text_of("--by", &why.by)?);
            let upheld = *outcome == FlagOutcome::Upheld;
            let Some(flag) = store.settle_flag(id, upheld, &reason, &by, wire::now()).await? else {
                eprintln!("no flag {} that is open; see `sigma flags list`", printable(id, 80));
                return Ok(Outcome::Undecided);
            };
            super::print(&format!("{} is {}\n", flag.id, flag.state))?;
        }
    }
    Ok(Outcome::Pass)
}

fn view(flag: &Flag) -> Value {
    json!({
        "flagId": flag.id, "package": flag.package.as_ref().map(ToString::to_string), "certificateId": flag.certificate,
        "category": flag.category.as_str(), "text": flag.text, "contact": flag.contact, "createdAt": flag.created_at,
        "state": flag.state.as_str(), "settledAt": flag.settled_at,
    })
}
