//! Arguments of the commands that review code.

use std::path::PathBuf;

use clap::Parser;
use sigma_core::{Platform, PythonVersion, SubmissionCategory};

use super::Format;

#[derive(Debug, Parser)]
pub struct Submit {
    /// The public repository, over https
    #[arg(long, value_name = "URL")]
    pub repo: String,

    /// A branch, a tag or a whole commit id; it is locked to one commit [default: the repository's default branch]
    #[arg(long, visible_alias = "ref", value_name = "REF")]
    pub commit: Option<String>,

    #[command(flatten)]
    pub what: What,

    /// The folder under review, where no entry point tells
    #[arg(long, value_name = "PATH")]
    pub folder: Option<String>,

    /// What you want to say about it; reviewers take it as a claim
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Parser)]
pub struct Review {
    /// The folder
    #[arg(default_value = ".")]
    pub path: PathBuf,

    #[command(flatten)]
    pub what: What,

    #[command(flatten)]
    pub how: How,
}

/// What is reviewed.
#[derive(Debug, Parser)]
pub struct What {
    /// What it consists of: SKILL, SKILL+API, CODE, CODE+PACKAGES, SKILL+CODE, SKILL+API+CODE, SKILL+CODE+PACKAGES or
    /// SKILL+API+CODE+PACKAGES
    #[arg(long, value_name = "CATEGORY")]
    pub category: SubmissionCategory,

    /// The program, relative to the root; categories with CODE need one
    #[arg(long, value_name = "PATH")]
    pub entry: Option<String>,
}

/// How it is reviewed.
#[derive(Debug, Parser)]
pub struct How {
    /// Python version to resolve packages for [default: that of the interpreter that runs the code]
    #[arg(long, value_name = "X.Y")]
    pub python_version: Option<PythonVersion>,

    /// Platform to resolve packages for
    #[arg(long, default_value = "linux-x64", value_name = "OS-ARCH")]
    pub platform: Platform,

    /// Do not run the code; the certificate says so
    #[arg(long)]
    pub no_run: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
