//! `sigma config`: what holds, where it comes from, and what is wrong with it.

use std::time::Duration;

use anyhow::Result;

use crate::args::{Args, ConfigArgs, ConfigCommand};
use crate::config::{DEFAULTS, check};
use crate::{Outcome, wire};

/// Runs the command. Something wrong is exit code 2, as it would be for every other command.
pub fn run(args: &Args, command: &ConfigArgs) -> Result<Outcome> {
    match command.command {
        ConfigCommand::Defaults => super::print(DEFAULTS)?,
        ConfigCommand::Check => {
            let flags = [
                ("store", "--store", args.store.as_ref().map(|path| path.display().to_string())),
                ("database_url", "--database-url", args.database_url.clone()),
                ("analysis.rules", "--rules", args.rules.as_ref().map(|path| path.display().to_string())),
            ];
            let mut checked = check::check(args.config.as_deref(), &flags)?;
            // What only shows when it is used: a database's URL, a folder of rules, a file of waivers.
            if checked.problems.is_empty() {
                let config = wire::config(args)?;
                let problems = [
                    wire::database(&config).map(drop),
                    wire::rules(&config).map(drop),
                    wire::waivers(&config, None).map(drop),
                    wire::roots(&config).map(drop),
                    config.review.repositories(Duration::from_secs(1)).map(drop),
                    config.chain.check(),
                    config.ledger.witnesses().map(drop),
                ];
                checked.problems.extend(problems.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")));
            }
            super::print(&checked.text())?;
            for problem in &checked.problems {
                eprintln!("{problem}");
            }
            anyhow::ensure!(checked.problems.is_empty(), "{} problem(s) in the configuration", checked.problems.len());
        }
    }
    Ok(Outcome::Pass)
}
