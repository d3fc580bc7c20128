//! The command line.

mod chain;
mod ledger;
mod operators;
mod packages;
mod prose;
mod review;
mod service;

use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub use chain::{AskChain, ChainArgs, ChainCommand};
pub use ledger::{KeysCommand, LedgerArgs, LedgerCommand, Reproduce, Verify, Whose};
pub use operators::{
    ConfigArgs, ConfigCommand, EscalationsArgs, EscalationsCommand, FlagOutcome, FlagsArgs, FlagsCommand, LogArgs,
    LogCommand,
};
pub use packages::{Audit, Explain, Hash, Rules, Scan, Show};
pub use review::{How, Review, Submit};
pub use service::{
    CertificateArgs, CertificateCommand, Decide, JobsArgs, JobsCommand, LogFormat, Serve, StatsArgs, StatsCommand,
    StoreArgs, StoreCommand, TokenArgs, TokenCommand, WorkerArgs,
};

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
    #[command(after_help = "\
Examples:
  sigma log
  sigma log pkg_5f2s... --format json")]
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

Examples:
  sigma hash .
  sigma hash SKILL.md

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
