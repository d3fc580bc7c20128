//! `sigma store`: work on the store itself.

use anyhow::Result;
use sigma_store::Database;

use crate::args::{Args, StoreArgs, StoreCommand};
use crate::{Outcome, wire};

/// Copies the store into another database, and says how much that was.
pub async fn run(args: &Args, command: &StoreArgs) -> Result<Outcome> {
    let StoreCommand::Copy { to } = &command.command;
    let config = wire::config(args)?;
    let database: Database = to.parse()?;
    let source = wire::store(&config).await?;
    let target = wire::open(&config, &database).await?;
    let copied = source.copy_to(&target).await?;
    let mut text: String = copied.iter().map(|(table, rows)| format!("{rows:>9}  {table}\n")).collect();
    text.push_str("copied and compared: both databases hold the same\n");
    super::print(&text)?;
    Ok(Outcome::Pass)
}
