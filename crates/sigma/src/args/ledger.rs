//! Arguments of the commands that sign, log and verify.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use sigma_core::{Platform, PythonVersion, SecurityLevel};
use url::Url;

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
        /// Where a command signs ([ledger] signer): the public half of its key, P-256, as PEM
        #[arg(long, value_name = "FILE")]
        issuer_key: Option<PathBuf>,
    },
    /// Sign and log every certificate and decision that is not logged yet, and renew the status list
    #[command(after_help = "\
Doing it again changes nothing; what a crash interrupted is finished. `sigma serve` and `sigma worker` do this all the time where
the keys are at hand, and commands that seal certificates do it at their end: this is for what is older than the log.

Examples:
  sigma ledger sync")]
    Sync,
    /// Hash the whole log again
    #[command(after_help = "\
Examples:
  sigma ledger fsck")]
    Fsck,
    /// Change keys and witnesses: each change is a new version of the trusted root, signed and logged
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Write everything that a stranger needs to check a certificate offline
    #[command(after_help = "\
Examples:
  sigma ledger bundle pkg_5f2s... > requests.bundle.json")]
    Bundle {
        /// The certificate, pkg_... or sig_...
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys of the trusted root, with the times for which they are believed
    #[command(after_help = "\
Examples:
  sigma ledger keys list
  sigma ledger keys list --format json")]
    List {
        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Go on with a new key; what the old one signed until then stays good
    #[command(after_help = "\
Nothing else may write the log meanwhile: stop `sigma serve` and `sigma worker` for the moment. If it is interrupted, give the same
command again. Verifiers take the new version from the log: `sigma ledger keys follow`.

Examples:
  sigma ledger keys rotate issuer
  sigma ledger keys rotate issuer --issuer-key hsm-2027.pub.pem
  sigma ledger keys rotate log")]
    Rotate {
        /// Whose key
        #[arg(value_enum)]
        whose: Whose,
        /// Where a command signs: the public half of its new key. Configure the new command right after
        #[arg(long, value_name = "FILE")]
        issuer_key: Option<PathBuf>,
    },
    /// Do not believe a key that was lost or stolen from a time on
    #[command(after_help = "\
What was logged from that time on is not believed any more. Rotate the key first if it is the newest one.

Examples:
  sigma ledger keys revoke 1f0c... --since 2026-11-20T00:00:00Z --reason 'the backup was stolen'")]
    Revoke {
        /// The key's id, as `sigma ledger keys list` shows it
        key: String,
        /// From when on
        #[arg(long, value_name = "TIME")]
        since: String,
        /// Why; it is logged
        #[arg(long)]
        reason: String,
    },
    /// Name the witnesses, and how many of them have to sign a checkpoint
    #[command(after_help = "\
Examples:
  sigma ledger keys witnesses --threshold 1 --key 'witness.example.org+a1b2c3d4+BA...'
  sigma ledger keys witnesses --threshold 0                                        none any more")]
    Witnesses {
        /// A witness's key, as C2SP tlog-cosignature writes it
        #[arg(long = "key", value_name = "VKEY")]
        keys: Vec<String>,
        /// How many have to sign
        #[arg(long, value_name = "N")]
        threshold: u64,
    },
    /// Write what a witness that no network reaches is asked (C2SP tlog-witness, add-checkpoint)
    #[command(after_help = "\
Witnesses with an address are asked by whoever writes the log: name them under [ledger] witnesses. This is for one that is not
connected. Several of them are asked about the same checkpoint until enough have signed it.

Examples:
  sigma ledger keys ask --old 1200 > request       carry it there, and what it answers back
  sigma ledger keys answered answer")]
    Ask {
        /// The size that the witness knows; it says so where another one was expected
        #[arg(long, value_name = "SIZE", default_value_t = 0)]
        old: u64,
        /// Forget the checkpoint that others were asked about, and take a newer one
        #[arg(long)]
        anew: bool,
    },
    /// Add what such a witness answered to the checkpoint that it was asked about
    #[command(after_help = "\
Examples:
  sigma ledger keys answered answer")]
    Answered {
        /// The answer: signature lines
        file: PathBuf,
    },
    /// Go from a trusted root that you pinned to the next version, if the log says so
    #[command(after_help = "\
Both are served by the log, at roots/N.json and roots/N.proof.json. Nothing is taken on trust: the change has to be signed by a key of
the version that you have.

Examples:
  sigma ledger keys follow --root trusted_root.json 2.json 2.proof.json > trusted_root.new.json")]
    Follow {
        /// The trusted root that you pinned
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// The next version
        next: PathBuf,
        /// Its proof
        proof: PathBuf,
    },
}

/// Whose key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Whose {
    /// The issuer's, which signs statements
    Issuer,
    /// The log's, which signs checkpoints
    Log,
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

    #[command(flatten)]
    pub chain: AskChain,

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
