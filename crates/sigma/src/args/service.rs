//! The command line of a registry: its server, its workers, its store, and who may do what.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use sigma_core::{Ecosystem, SecurityLevel};

use super::Format;
use super::operators::Why;

#[derive(Debug, Parser)]
pub struct Serve {
    /// Address to listen on
    #[arg(long, env = "SIGMA_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Run no jobs in this process: workers of their own do
    #[arg(long)]
    pub no_worker: bool,

    /// How to write the log
    #[arg(long, env = "SIGMA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Parser)]
pub struct CertificateArgs {
    #[command(subcommand)]
    pub command: CertificateCommand,
}

#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Withdraw a certificate: it vouches for nothing any more
    #[command(after_help = "\
Shows at once on every public read. What was sealed stays readable. `override` gives the package a level again.

Example:
  sigma certificate revoke pkg_5f2s... --reason \"the maintainer's account was taken over\" --by ada")]
    Revoke(Decide),
    /// Reject the package, whatever the council found
    #[command(after_help = "\
Holds for the exact package, whichever of its certificates is asked for, until `override` or `revoke` takes its place.

Example:
  sigma certificate block pkg_5f2s... --reason \"it deletes what it finds\" --by ada")]
    Block(Decide),
    /// Give the package another level, whatever the council found
    #[command(after_help = "\
Example:
  sigma certificate override pkg_5f2s... --level caution --reason \"read by two of us\" --by ada")]
    Override {
        #[command(flatten)]
        decide: Decide,
        /// The level: clear, monitored, caution, blocked
        #[arg(long, value_name = "LEVEL")]
        level: SecurityLevel,
    },
    /// Have the same bytes audited again: the new certificate replaces this one, also where it was revoked
    #[command(after_help = "\
A worker does it; what came of it is in `sigma log`, as `reaudited`. The old certificate stays readable.

Example:
  sigma certificate reaudit pkg_5f2s... --reason \"the rules know more by now\" --by ada")]
    Reaudit(Decide),
    /// Everything that was decided about a certificate
    #[command(after_help = "\
Example:
  sigma certificate log pkg_5f2s...")]
    Log {
        /// The certificate's id, pkg_... or sig_...
        id: String,
    },
}

#[derive(Debug, Parser)]
pub struct Decide {
    /// The certificate's id, pkg_... or sig_...
    pub id: String,

    #[command(flatten)]
    pub why: Why,
}

#[derive(Debug, Parser)]
pub struct StatsArgs {
    #[command(subcommand)]
    pub command: StatsCommand,
}

#[derive(Debug, Subcommand)]
pub enum StatsCommand {
    /// Replace the list of the most used packages
    #[command(after_help = "\
Reads names one a line, the most used first, or JSON in one of the shapes such lists are published in: an array of names,
{\"packages\": [...]} or {\"rows\": [{\"project\": ...}]}. The first 1,000 count.

Example:
  sigma stats refresh pypi top-pypi-packages.json --source \"Top PyPI Packages\" --taken-on 2026-11-01")]
    Refresh {
        /// pypi or npm
        ecosystem: Ecosystem,
        /// The file
        file: PathBuf,
        /// Who made the list
        #[arg(long)]
        source: String,
        /// The day it is of
        #[arg(long, value_name = "YYYY-MM-DD")]
        taken_on: jiff::civil::Date,
    },
}

#[derive(Debug, Parser)]
pub struct WorkerArgs {
    /// Jobs that run at once, instead of the configured number
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,

    /// End when nothing is left to do, by this worker or any other
    #[arg(long)]
    pub until_idle: bool,

    /// How to write the log
    #[arg(long, env = "SIGMA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(Debug, Parser)]
pub struct JobsArgs {
    #[command(subcommand)]
    pub command: JobsCommand,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Count open jobs, and list those of one state: the dead ones unless another is named
    #[command(after_help = "\
Examples:
  sigma jobs list
  sigma jobs list --state leased --format json")]
    List {
        /// Which ones to list
        #[arg(long, value_enum, default_value_t = State::Dead)]
        state: State,

        /// How many to list at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        most: u32,

        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Run a dead job again, with all its attempts
    #[command(after_help = "\
Who wants it and why is recorded.

Example:
  sigma jobs retry job_5f2sdm... --by ann --reason \"the mirror is back\"")]
    Retry {
        /// The job's id
        job: String,

        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Waiting to run
    Pending,
    /// Running
    Leased,
    /// Done
    Done,
    /// Given up
    Dead,
}

impl From<State> for sigma_store::JobState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Leased => Self::Leased,
            State::Done => Self::Done,
            State::Dead => Self::Dead,
        }
    }
}

#[derive(Debug, Parser)]
pub struct TokenArgs {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; its secret is printed this once
    #[command(after_help = "\
The secret goes to standard output, alone; what else there is to say goes to standard error. Only its hash is stored.

Examples:
  sigma token create --owner acme --scope read --scope submit
  sigma token create --owner acme --scope read --days 7 --format json")]
    Create {
        /// Whose drafts and submissions it leads to: letters, digits and .-_@
        #[arg(long, value_parser = owner)]
        owner: String,

        /// What it allows: read, submit or admin; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<sigma_store::Scope>,

        /// Days until it expires, at most two years
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=730))]
        days: u16,

        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// List all tokens, without their secrets
    #[command(after_help = "\
Shows whose each is, what it allows, until when, and when it was used last.

Examples:
  sigma token list
  sigma token list --format json")]
    List {
        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Revoke a token at once and for good
    #[command(after_help = "\
Example:
  sigma token revoke sgm_5f2sdmq7")]
    Revoke {
        /// Its prefix: `sgm_` and eight characters
        prefix: String,
    },
}

/// An owner's name: it is shown in tables and logs.
fn owner(text: &str) -> Result<String, String> {
    let valid =
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    match valid {
        true => Ok(text.to_owned()),
        false => Err("expected 1 to 100 letters, digits and .-_@".to_owned()),
    }
}

#[derive(Debug, Parser)]
pub struct StoreArgs {
    #[command(subcommand)]
    pub command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy everything into another database: a store that began on SQLite and grew
    #[command(after_help = "\
Copies every table, then reads both databases and compares them. The store may be in use meanwhile: it is copied as it was at
one moment. An interrupted copy goes on where it ended. Distributions stay in the store's folder, which the new database is
used with: start sigma with the same --store and the new --database-url.

Example:
  SIGMA_COPY_TO=postgres://sigma:secret@db.example/sigma sigma store copy")]
    Copy {
        /// The database to copy into, which should be empty
        #[arg(long, env = "SIGMA_COPY_TO", hide_env_values = true, value_name = "URL")]
        to: String,
    },
    /// Write a backup into a new folder, while the store is in use (SQLite; PostgreSQL has pg_dump)
    #[command(after_help = "\
The database as it is at one moment, and the distributions that it lists. The folder appears whole or not at all.

Example:
  sigma store backup /backup/sigma-2026-11-28")]
    Backup {
        /// The folder, which must not be there yet
        folder: PathBuf,
    },
    /// Make a store of a backup, in the folder that --store names
    #[command(after_help = "\
Checks the database and the digest of every distribution. Nothing is written over: the folder must be empty, or not there.

Example:
  sigma store restore /backup/sigma-2026-11-28 --store /var/lib/sigma")]
    Restore {
        /// The backup
        folder: PathBuf,
    },
    /// Put the distributions of the store's folder into the configured bucket
    #[command(after_help = "\
Puts what the bucket does not have yet; it may be interrupted and repeated. From then on every machine with the same database and
bucket has the same bytes, and the folder is only what this machine has fetched so far.

Example:
  SIGMA_BLOBS_URL=s3://acme-sigma/blobs AWS_REGION=eu-central-1 sigma store upload")]
    Upload,
}
