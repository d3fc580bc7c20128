//! `sigma stats`: the lists that coverage is counted against.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use sigma_core::printable;

use crate::args::{Args, StatsArgs, StatsCommand};
use crate::{Outcome, wire};

/// Bytes of a list: the largest published ones have less than 1 MB.
const MAX_LIST: u64 = 16 << 20;

/// Replaces a list.
pub async fn run(args: &Args, command: &StatsArgs) -> Result<Outcome> {
    let StatsCommand::Refresh { ecosystem, file, source, taken_on } = &command.command;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    // A day more: somewhere it is tomorrow already.
    ensure!(*taken_on <= today.saturating_add(jiff::Span::new().days(1)), "--taken-on: {taken_on} is still to come");
    let mut text = String::new();
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    opened.take(MAX_LIST + 1).read_to_string(&mut text).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(text.len() as u64 <= MAX_LIST, "{} has more than {MAX_LIST} bytes", file.display());
    let list = sigma_server::popular_list(*ecosystem, &text, printable(source, 300), taken_on.to_string())
        .with_context(|| format!("the list {}", file.display()))?;
    let store = wire::store(&wire::config(args)?).await?;
    store.keep_popular(&list).await?;
    let said = format!("{}: {} names of {} ({})\n", ecosystem.title(), list.names.len(), list.taken_on, list.source);
    super::print(&said)?;
    Ok(Outcome::Pass)
}
