//! `sigma store`: work on the store itself.

use anyhow::Result;
use sigma_store::{BackedUp, Database, Store};

use crate::args::{Args, StoreArgs, StoreCommand};
use crate::config::Config;
use crate::{Outcome, wire};

/// Does what is asked, and says how much that was.
pub async fn run(args: &Args, command: &StoreArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let text = match &command.command {
        StoreCommand::Copy { to } => copy(&config, &to.parse()?).await?,
        StoreCommand::Upload => upload(&config).await?,
        StoreCommand::Backup { folder } => told(&wire::store(&config).await?.backup(folder).await?, "backed up"),
        StoreCommand::Restore { folder } => told(&Store::restore(folder, &config.store).await?, "restored"),
    };
    super::print(&text)?;
    Ok(Outcome::Pass)
}

/// Copies the store into another database.
async fn copy(config: &Config, database: &Database) -> Result<String> {
    let source = wire::store(config).await?;
    let target = wire::open(config, database).await?;
    let copied = source.copy_to(&target).await?;
    let mut text: String = copied.iter().map(|(table, rows)| format!("{rows:>9}  {table}\n")).collect();
    text.push_str("copied and compared: both databases hold the same\n");
    Ok(text)
}

/// Puts the distributions of the folder into the bucket.
async fn upload(config: &Config) -> Result<String> {
    let uploaded = wire::store(config).await?.blobs().upload().await?;
    Ok(format!(
        "{:>9}  put into the bucket\n{:>9}  were there already\n{:>9}  in neither place; audits fetch them again\n",
        uploaded.put, uploaded.present, uploaded.missing
    ))
}

fn told(done: &BackedUp, what: &str) -> String {
    let mut text = format!("{:>9}  certificates {what}\n{:>9}  distributions {what}\n", done.certificates, done.blobs);
    if done.missing > 0 {
        text.push_str(&format!(
            "{:>9}  distributions not there or not intact; audits fetch them again\n",
            done.missing
        ));
    }
    text
}
