//! Arguments of the commands that sign, log and verify.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{AskChain, Format};

#[derive(Debug, Parser)]
pub struct LedgerArgs {
    #[command(subcommand)]
    pub command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Make the issuer's key, the log's key, the trusted root and an empty log
    #[command(after_help = "\
The keys are files that only their owner may read; keep a copy of them where nobody else gets. Hand out trusted_root.json: it is what
verifiers pin.

Examples:
  sigma ledger init --origin sigma.example.org/log")]
    Init {
        /// The log's name for good: host and path, without a scheme; `sigma serve` answers at that path
        #[arg(long, value_name = "HOST/PATH")]
        origin: String,
    },
    /// Sign and log every certificate and decision that is not logged yet, and renew the status list
    #[command(after_help = "\
Doing it again changes nothing; what a crash interrupted is finished. Run it every few minutes, on one machine.

Examples:
  sigma ledger sync")]
    Sync,
    /// Hash the whole log again
    Fsck,
    /// Write everything that a stranger needs to check a certificate offline
    #[command(after_help = "\
Examples:
  sigma ledger bundle pkg_5f2s... > requests.bundle.json")]
    Bundle {
        /// The certificate, pkg_... or sig_...
        id: String,
    },
}

#[derive(Debug, Parser)]
pub struct Verify {
    /// The bundle
    pub bundle: PathBuf,

    /// The file or folder that you have, to be compared with what was certified
    #[arg(long, value_name = "PATH")]
    pub artifact: Option<PathBuf>,

    /// The trusted root that you pinned [default: that of the store's own ledger]
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,

    /// Refuse where it is not known whether it was revoked since
    #[arg(long)]
    pub require_fresh: bool,

    #[command(flatten)]
    pub chain: AskChain,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
