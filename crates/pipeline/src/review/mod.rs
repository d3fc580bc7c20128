//! The hall of submissions: from a repository or a folder to a certificate of its code.
//!
//! In: an address, a category, an entry point. Out: a certificate, an escalation, or all reasons at once why there is nothing
//! to review. [`Hall::take_in`] runs before anything costs; [`Hall::examine_code`] is everything between the packages'
//! certificates and the ruling, in the order in which it happens; [`Hall::certify`] seals.

mod certify;
mod disclosures;
mod dossier;
mod examine;
mod files;
mod harness;
mod install;
mod intake;
mod seal;
mod whole;

pub use certify::{Certified, decide_submission};
pub use examine::Examination;
pub use intake::{Intake, IntakeError, RepositoryRequest};
pub use whole::Review;

pub(crate) use certify::write;
pub(crate) use install::{Installable, Installed, install, package_folder};
pub(crate) use intake::passed_over;
pub(crate) use seal::execution_summary;

use std::sync::Arc;

use sigma_core::PythonVersion;
use sigma_council::{Author, Council};
use sigma_ecosystem::manifest::ReadOptions;
use sigma_intake::{ProbeConfig, RepositoryConfig, SubmissionLimits};
use sigma_sandbox::Sandbox;
use tokio::sync::Semaphore;

/// What the review of submissions needs beside the hall.
#[derive(Clone)]
pub struct ReviewRooms {
    /// Which repositories are fetched, and how much of them.
    pub repositories: RepositoryConfig,
    /// How large a folder under review may be.
    pub limits: SubmissionLimits,
    /// How manifests are read: which indexes count as the public ones.
    pub read: ReadOptions,
    /// How declared endpoints are looked at.
    pub probes: ProbeConfig,
    /// Where code runs; or why none runs.
    pub sandbox: Result<Sandbox, String>,
    /// The Python that runs code there: packages are resolved for it.
    pub python: Option<PythonVersion>,
    /// Whether the commands of audited packages are run too, with `--help`.
    pub run_entry_points: bool,
    /// Runs at once.
    pub runs: Arc<Semaphore>,
    /// Who decides.
    pub council: Arc<Council>,
    /// The model that writes a second harness, where one does.
    pub author: Option<Arc<Author>>,
}

impl Default for ReviewRooms {
    /// Official hosts, embedded validators, and no sandbox.
    fn default() -> Self {
        Self {
            repositories: RepositoryConfig::default(),
            limits: SubmissionLimits::default(),
            read: ReadOptions::default(),
            probes: ProbeConfig::default(),
            sandbox: Err("the sandbox is turned off".to_owned()),
            python: None,
            run_entry_points: false,
            runs: Arc::new(Semaphore::new(1)),
            council: Arc::new(Council::embedded()),
            author: None,
        }
    }
}
