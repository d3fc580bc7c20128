//! Arguments of the commands that sign, log and verify.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sigma_core::{Platform, PythonVersion, SecurityLevel};
use url::Url;

use super::Format;

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
    /// A bundle, a distribution, a lockfile, or a folder with lockfiles and installed environments
    #[arg(default_value = ".", value_name = "PATH")]
    pub what: PathBuf,

    /// With a bundle: the file or folder that you have, to be compared with what was certified
    #[arg(long, value_name = "PATH")]
    pub artifact: Option<PathBuf>,

    /// The trusted root that you pinned [default: that of the store's own ledger]
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,

    /// Take bundles, and lists of files, from this folder instead of the store
    #[arg(long, value_name = "FOLDER", conflicts_with = "server")]
    pub bundles: Option<PathBuf>,

    /// Ask this server for bundles; it is not believed, the pinned root decides
    #[arg(long, value_name = "URL", requires = "root")]
    pub server: Option<Url>,

    /// Keep the bundles and lists that were used in this folder, for --bundles
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,

    /// Fail when a package has this level or worse: monitored, caution, blocked
    #[arg(long, value_name = "LEVEL", default_value = "blocked")]
    pub fail_on: SecurityLevel,

    /// Refuse where it is not known whether it was revoked since
    #[arg(long)]
    pub require_fresh: bool,

    /// A package, or an added file, that needs no certificate: it is told, and decides nothing
    #[arg(long, value_name = "NAME")]
    pub accept: Vec<String>,

    /// Python version that a lockfile is installed for
    #[arg(long, value_name = "3.X", default_value = "3.12")]
    pub python_version: PythonVersion,

    /// Platform that a lockfile is installed for, as in `sigma audit`
    #[arg(long, value_name = "OS-ARCH", default_value = "linux-x64")]
    pub platform: Platform,

    /// Read development dependencies of lockfiles too
    #[arg(long)]
    pub dev: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Parser)]
pub struct Reproduce {
    /// A package certificate's id (pkg_...), or the file of its bundle
    pub what: String,

    /// Ask this server for the certificate and its report; neither is believed
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,

    /// Also verify the bundle, against this trusted root
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,

    /// Do not touch the ecosystems: the bytes have to be in the store
    #[arg(long)]
    pub offline: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
