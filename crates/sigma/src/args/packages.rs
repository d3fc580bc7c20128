//! The command line of what is looked at: projects, packages, archives, folders, and the rules.

use std::path::PathBuf;

use clap::Parser;
use sigma_core::{PackageId, Platform, PythonVersion, SecurityLevel};

use super::Format;

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
