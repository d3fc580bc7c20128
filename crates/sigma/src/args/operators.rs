//! The commands of operators: what waits for a decision, and what was decided.

use clap::{Parser, Subcommand, ValueEnum};
use sigma_core::SecurityLevel;

use super::Format;

/// Who decides, and why.
#[derive(Debug, Parser)]
pub struct Why {
    /// Why: kept in the log, and public where it is about a certificate
    #[arg(long)]
    pub reason: String,

    /// Who decides: kept in the log, not shown to the public
    #[arg(long, env = "SIGMA_OPERATOR", value_name = "NAME")]
    pub by: String,
}

#[derive(Debug, Parser)]
pub struct EscalationsArgs {
    #[command(subcommand)]
    pub command: EscalationsCommand,
}

#[derive(Debug, Subcommand)]
pub enum EscalationsCommand {
    /// List the packages and submissions about which the council's panels did not agree, the oldest first
    #[command(after_help = "\
Examples:
  sigma escalations list
  sigma escalations list --format json          with what the ballots hold against each")]
    List {
        /// How many to list at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        most: u32,

        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Show one with all that was seen: report, ballots, advisories (JSON)
    #[command(after_help = "\
Example:
  sigma escalations show esc_5f2s...")]
    Show {
        /// Its id: esc_... of a package, sub_... or local/... of a submission
        id: String,
    },
    /// Decide: certify the package at a level, or block it
    #[command(after_help = "\
Seals a certificate that says that the panels did not agree and that an operator decided. It answers everybody from then on.

Examples:
  sigma escalations decide esc_5f2s... --certify caution --reason \"a test server, read by two of us\" --by ada
  sigma escalations decide esc_5f2s... --block --reason \"it waits for a day and then deletes\" --by ada")]
    Decide {
        /// Its id: esc_... of a package, sub_... or local/... of a submission
        id: String,

        /// Certify it at this level: clear, monitored, caution
        #[arg(long, value_name = "LEVEL", required_unless_present = "block", conflicts_with = "block")]
        certify: Option<SecurityLevel>,

        /// Reject it
        #[arg(long)]
        block: bool,

        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Parser)]
pub struct FlagsArgs {
    #[command(subcommand)]
    pub command: FlagsCommand,
}

#[derive(Debug, Subcommand)]
pub enum FlagsCommand {
    /// List what the public says about certificates, the oldest first
    #[command(after_help = "\
Examples:
  sigma flags list
  sigma flags list --all --format json")]
    List {
        /// Those that were settled too
        #[arg(long)]
        all: bool,

        /// How many to list at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        most: u32,

        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Settle a flag: it was right, or there was nothing in it
    #[command(after_help = "\
Says nothing about the certificate: revoke, block or override it with `sigma certificate`.

Examples:
  sigma flags settle flg_5f2s... --outcome dismissed --reason \"its own test server\" --by ada
  sigma flags settle flg_5f2s... --outcome upheld --reason \"seen in a sandbox; revoked\" --by ada")]
    Settle {
        /// Its id, flg_...
        id: String,

        /// How it ends
        #[arg(long, value_enum)]
        outcome: FlagOutcome,

        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlagOutcome {
    /// It was right; what follows for the certificate is a decision of its own
    Upheld,
    /// There was nothing in it
    Dismissed,
}

#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LogArgs {
    #[command(subcommand)]
    pub command: Option<LogCommand>,

    /// Only about this: a certificate, package, escalation, job or flag
    pub subject: Option<String>,

    /// How many entries at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub most: u32,

    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Hash the whole transparency log again, as `sigma ledger fsck` does
    #[command(after_help = "\
Example:
  sigma log fsck")]
    Fsck,
}

#[derive(Debug, Parser)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check file, environment and command line, and print what holds and where each value comes from
    #[command(after_help = "\
Unknown keys and wrong values are reported with file and line; then the exit code is 2. Passwords are not printed.

Examples:
  sigma config check
  sigma config check --config /etc/sigma/config.toml --store /var/lib/sigma")]
    Check,
    /// Print a configuration file with every default, and what each means
    #[command(after_help = "\
Example:
  sigma config defaults > ~/.config/sigma/config.toml")]
    Defaults,
}
