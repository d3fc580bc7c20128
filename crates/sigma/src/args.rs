//! The command line.

mod chain;
mod ledger;
mod operators;
mod prose;
mod review;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use sigma_core::{Ecosystem, PackageId, Platform, PythonVersion, SecurityLevel};

pub use chain::{AskChain, ChainArgs, ChainCommand};
pub use ledger::{KeysCommand, LedgerArgs, LedgerCommand, Reproduce, Verify, Whose};
pub use operators::{
    ConfigArgs, ConfigCommand, EscalationsArgs, EscalationsCommand, FlagOutcome, FlagsArgs, FlagsCommand, LogArgs,
    LogCommand,
};
pub use review::{How, Review, Submit};

/// Who looked at these bytes, what did they find, and can I check that myself?
///
/// SIGMA resolves the dependencies of a Python or Node project to exact versions, fetches what its store does not know
/// yet, analyses the real files, lets a council of validators decide, and seals a certificate for each package.
#[derive(Debug, Parser)]
#[command(
    name = "sigma",
    version,
    max_term_width = 110,
    after_help = "\
Exit codes: 0 pass, 1 policy failure, 2 usage or internal error, 3 could not decide.

Examples:
  sigma audit                              audit the project in this folder
  sigma audit --package pypi:requests@2.31.0
  sigma show npm:lodash@4.17.21            show what is known about one package
  sigma review . --category CODE --entry main.py    what a certificate of this folder would say
  sigma scan dist/demo-1.0.tar.gz          analyse a local archive or folder, without any network
  sigma serve --listen 127.0.0.1:8080      answer everybody's questions about certificates
  sigma verify .                           what certificates prove about lockfiles and what is installed here
  sigma rules                              what the analysis looks for
  sigma explain decoded-execution          what one rule means, and which level it leads to
  sigma worker                             work on submissions
  sigma hash .                             the sha256-sorted-files-v1 hash of this folder"
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,

    /// Folder of the store: certificates, and the bytes they speak of
    #[arg(long, global = true, env = "SIGMA_STORE", value_name = "FOLDER")]
    pub store: Option<PathBuf>,

    /// Keep certificates in this PostgreSQL database instead of SQLite in the store's folder. Programs of other users may
    /// read a command line: a password belongs into the variable, the configuration file or ~/.pgpass
    #[arg(long, global = true, env = "SIGMA_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// Configuration file (TOML) instead of the user's own
    #[arg(long, global = true, env = "SIGMA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder of your own rules (*.toml, *.yar, *.yara), run beside the built-in ones
    #[arg(long, global = true, env = "SIGMA_RULES", value_name = "FOLDER")]
    pub rules: Option<PathBuf>,

    /// Say more on standard error; twice for details
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

impl Args {
    /// What was asked for; ends the program with help or an error where that is the answer.
    pub fn asked() -> Self {
        let mut command = prose::reflow(Self::command());
        let asked = Self::from_arg_matches(&command.get_matches_mut());
        asked.unwrap_or_else(|error| error.format(&mut command).exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit the dependencies of a project, or of one package
    #[command(after_help = "\
Reads requirements.txt, pyproject.toml, uv.lock, pylock.toml, package.json and package-lock.json; of each ecosystem the
most exact file that is there. Declarations that no registry could vouch for (version control, URLs, paths, other
indexes, wildcards, tags, no version) are refused, and listed.

Examples:
  sigma audit examples/weather-agent
  sigma audit requirements.txt --python-version 3.11 --platform macos-arm64
  sigma audit --package npm:express@4.19.2 --depth 0
  sigma audit --format json --fail-on caution > audit.json")]
    Audit(Audit),
    /// Review the code of a public repository, and certify it
    #[command(after_help = "\
Locks the reference to one commit, reads the folder under review whole, audits its packages, analyses the code, runs it in
isolation, and lets the council decide. Everything that stands in the way of a review is told at once, before anything is done.
Exit codes: 0 certified, 1 certified as BLOCKED or stopped by a package, 2 it cannot be reviewed as it is, 3 could not decide.

Examples:
  sigma submit --repo https://github.com/example/weather-skill --category SKILL+CODE+PACKAGES --entry main.py
  sigma submit --repo https://github.com/example/tools --commit v1.2.0 --category CODE --entry tools/hash.py")]
    Submit(Submit),
    /// Review the code of a folder on this disk; certifies nothing
    #[command(after_help = "\
The same review as `sigma submit`, of a folder that nobody else can see: a rehearsal. Exit codes are the same.

Examples:
  sigma review --category CODE+PACKAGES --entry server.js
  sigma review examples/weather-skill --category SKILL+CODE+PACKAGES --entry main.py --format json")]
    Review(Review),
    /// Show the certificates of a package, or one certificate
    #[command(after_help = "\
Examples:
  sigma show pypi:requests@2.31.0
  sigma show pkg_5f2sdm… --format json")]
    Show(Show),
    /// Scan local archives or source trees; no network, no certificate
    #[command(after_help = "\
Reads wheels, sdists and npm tarballs, and folders as source trees (npm with a package.json, Python otherwise). Nothing is
unpacked to disk or run. No ecosystem is asked: there are no published digests to compare, no advisories, and no
certificate. Exit codes: 0 milder than --fail-on, 1 as bad or worse, 2 a path cannot be read, 3 the council's panels do
not agree.

Examples:
  sigma scan dist/demo-1.0-py3-none-any.whl dist/demo-1.0.tar.gz
  sigma scan . --fail-on caution
  sigma scan demo-1.0.0.tgz --format json --rules my-rules --waivers sigma-waivers.toml")]
    Scan(Scan),
    /// List the rules of the static analysis
    #[command(after_help = "\
Examples:
  sigma rules
  sigma rules --rules my-rules                  your own rules too
  sigma rules --versions                        which certificates this program can reproduce
  sigma rules --format markdown > docs/rules.md")]
    Rules(Rules),
    /// Explain one rule: what it means, why it matters, and which level it leads to
    #[command(after_help = "\
Examples:
  sigma explain decoded-execution
  sigma explain local/acme-beacon --rules my-rules")]
    Explain(Explain),
    /// Serve the store's certificates over HTTP, and audit what developers submit
    #[command(after_help = "\
Answers the public API under /api/v1/public, osv.dev's queries under /v1, developers with a token under /api/v1/sigma/dev, and
explains itself on /reference. Runs the jobs of submissions too, unless --no-worker leaves them to `sigma worker`. Health is on
/healthz and /readyz, figures are on /metrics. TLS is a proxy's task; name its network in [server] trusted_proxies. Stops
on SIGTERM or Ctrl-C once requests under way are answered.

Examples:
  sigma serve
  sigma serve --listen 0.0.0.0:8080 --store /var/lib/sigma --log-format json")]
    Serve(Serve),
    /// Revoke, block or override a certificate, have it audited again, or show what was decided about it
    Certificate(CertificateArgs),
    /// Packages about which the council's panels did not agree: list them, and decide
    Escalations(EscalationsArgs),
    /// What the public says about certificates: list it, and settle it
    Flags(FlagsArgs),
    /// What operators did, and why
    Log(LogArgs),
    /// Check the configuration, or print its defaults
    Config(ConfigArgs),
    /// Work on what the statistics compare with
    Stats(StatsArgs),
    /// Run the jobs of submissions; several workers may share one store
    #[command(after_help = "\
Workers on one PostgreSQL database share the work, on as many machines as there are; on SQLite they share one machine. SIGINT
or SIGTERM ends a worker: it finishes what it can within the grace period, and gives the rest back. One that is killed loses
nothing: its jobs go to others when their leases run out.

Examples:
  sigma worker
  sigma worker --jobs 16 --database-url postgres://sigma@db.example/sigma
  sigma worker --until-idle                     work off what is there, then end")]
    Worker(WorkerArgs),
    /// Look at jobs, and run dead ones again
    Jobs(JobsArgs),
    /// Make, list and revoke tokens of the developer API
    Token(TokenArgs),
    /// Work on the store itself
    Store(StoreArgs),
    /// Sign certificates and keep them in a transparency log
    Ledger(LedgerArgs),
    /// Put certificates on a chain
    Chain(ChainArgs),
    /// Verify what you have against certificates, with the keys of a trusted root that you pinned
    #[command(after_help = "\
PATH is a certificate's bundle, a wheel, sdist or npm tarball, a lockfile or requirements with hashes, or a folder: its lockfiles,
its virtual environments and node_modules, file by file. Bundles come from the store, a folder or a server; none of them is believed.
Says what was proven, by what, and what was not. Exit codes: 0 proven, 1 something failed, is revoked or as bad as --fail-on,
2 usage or internal error, 3 could not decide (no certificate, no list of files, files that nobody vouches for), 4 proven, but
whether it was revoked since is not known (refused with --require-fresh).

Examples:
  sigma verify requests-2.31.0-py3-none-any.whl
  sigma verify . --server https://sigma.example.org --root trusted_root.json --save bundles
  sigma verify . --bundles bundles --root trusted_root.json --accept pip
  sigma verify requests.bundle.json --root trusted_root.json --artifact requests-2.31.0-py3-none-any.whl")]
    Verify(Box<Verify>),
    /// Repeat the analysis of a certificate, and compare its report
    #[command(after_help = "\
Takes the certified bytes from the store or the ecosystem, by their digests, runs the same version of the rules, and compares the
hash of the report. A difference is explained rule by rule. What the council made of the report, and runs in isolation, are not
repeated. Exit codes: 0 the same report, 1 another one, 2 usage or internal error, 3 could not decide: the rules are of another
version, or the bytes are not to be had.

Examples:
  sigma reproduce pkg_5f2s...
  sigma reproduce requests.bundle.json --root trusted_root.json
  sigma reproduce pkg_5f2s... --server https://sigma.example.org --root trusted_root.json")]
    Reproduce(Reproduce),
    /// Hash the files of a folder with sha256-sorted-files-v1, or a SKILL.md alone
    #[command(after_help = "\
All files are sorted by the bytes of their path; each path and the file's SHA-256 in hexadecimal are concatenated without
separators, and the result is hashed with SHA-256. `.git` is left out; symbolic links are an error. Of a SKILL.md alone it is the SHA-256 of
the file with its line ends normalised to LF: what certificates of skills without code hold (tr -d '\\r' < SKILL.md | sha256sum).

To reproduce it without sigma:
  find . -path ./.git -prune -o -type f -print | sed 's|^./||' | LC_ALL=C sort |
    while read -r f; do printf '%s%s' \"$f\" \"$(sha256sum < \"$f\" | cut -c1-64)\"; done | sha256sum")]
    Hash(Hash),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs; stable
    Json,
    /// For pull requests and reports
    Markdown,
}

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
    Revoke(Decide),
    /// Reject the package, whatever the council found
    Block(Decide),
    /// Give the package another level, whatever the council found
    Override {
        #[command(flatten)]
        decide: Decide,
        /// The level: clear, monitored, caution, blocked
        #[arg(long, value_name = "LEVEL")]
        level: SecurityLevel,
    },
    /// Have the same bytes audited again: the new certificate replaces this one, also where it was revoked
    Reaudit(Decide),
    /// Everything that was decided about a certificate
    Log {
        /// The certificate's id, pkg_... or sig_...
        id: String,
    },
}

#[derive(Debug, Parser)]
pub struct Decide {
    /// The certificate's id, pkg_... or sig_...
    pub id: String,

    /// Why: shown to everybody who asks for the certificate
    #[arg(long)]
    pub reason: String,

    /// Who decides: kept in the log, not shown to the public
    #[arg(long, value_name = "NAME")]
    pub by: String,
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

        /// Why it may fare better now
        #[arg(long)]
        reason: String,

        /// Who wants it
        #[arg(long = "by", alias = "operator", env = "SIGMA_OPERATOR", value_name = "NAME")]
        operator: String,
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

#[derive(Debug, Parser)]
pub struct Audit {
    /// Folder or manifest file
    #[arg(default_value = ".", conflicts_with = "package")]
    pub path: PathBuf,

    /// Audit this exact package and what it depends on, instead of a project
    #[arg(long, value_name = "ECOSYSTEM:NAME@VERSION")]
    pub package: Option<PackageId>,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Levels of transitive dependencies to audit; 0 is direct dependencies only
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=3), default_value_t = 3)]
    pub depth: u8,

    /// Transitive packages audited anew at most; what lies beyond is listed as uncertified. 250 unless configured
    #[arg(long, value_name = "N")]
    pub cap: Option<usize>,

    /// Fail when a direct or L1 package has this level or worse: monitored, caution, blocked
    #[arg(long, value_name = "LEVEL", default_value = "blocked")]
    pub fail_on: SecurityLevel,

    /// Findings that you accept for now (TOML); they change this decision, never a certificate
    #[arg(long, env = "SIGMA_WAIVERS", value_name = "FILE")]
    pub waivers: Option<PathBuf>,

    /// Leave the audit undecided when a package's advisories are unavailable
    #[arg(long)]
    pub require_advisories: bool,

    /// Only resolve and look up, and print what an audit would cost
    #[arg(long)]
    pub preview: bool,

    /// Read development dependencies too
    #[arg(long)]
    pub dev: bool,

    /// Do not touch the network
    #[arg(long)]
    pub offline: bool,

    /// Ask the ecosystems again even if they were asked a moment ago
    #[arg(long, conflicts_with = "offline")]
    pub refresh: bool,

    /// Let requirements files use this environment variable as ${NAME}; no other is handed to them
    #[arg(long = "env", value_name = "NAME")]
    pub variables: Vec<String>,

    /// Run the commands of certified packages with --help in isolation; they need certificates that say what came of it
    #[arg(long, conflicts_with = "preview")]
    pub run_entry_points: bool,

    /// Python version to resolve for [default: 3.12; that of the sandbox where commands are run]
    #[arg(long, value_name = "3.X")]
    pub python_version: Option<PythonVersion>,

    /// Platform to resolve for: linux-x64, linux-arm64, macos-x64, macos-arm64, windows-x64, windows-arm64
    #[arg(long, value_name = "OS-ARCH", default_value = "linux-x64")]
    pub platform: Platform,
}

#[derive(Debug, Parser)]
pub struct Show {
    /// A package such as pypi:requests@2.31.0, or a certificate id such as pkg_... or sig_...
    pub what: String,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Parser)]
pub struct Hash {
    /// The folder, or a SKILL.md
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// Also print each file with its own hash
    #[arg(long)]
    pub list: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Parser)]
pub struct Scan {
    /// Archives or folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// File inside the folder that is started: every finding then says whether it reaches it, over imports and calls
    #[arg(long, value_name = "FILE")]
    pub entry: Option<String>,

    /// List every file with how far it was read, and why not further
    #[arg(long)]
    pub coverage: bool,

    /// Fail when something has this level or worse: monitored, caution, blocked
    #[arg(long, value_name = "LEVEL", default_value = "blocked")]
    pub fail_on: SecurityLevel,

    /// Findings that you accept for now (TOML); they change the exit code, never a level
    #[arg(long, env = "SIGMA_WAIVERS", value_name = "FILE")]
    pub waivers: Option<PathBuf>,
}

#[derive(Debug, Parser)]
pub struct Rules {
    /// Only the version of the rules that this program runs, which certificates name
    #[arg(long)]
    pub versions: bool,

    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Parser)]
pub struct Explain {
    /// The rule's id
    pub rule: String,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
