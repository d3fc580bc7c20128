//! The hall: data comes in at the front door, passes each room once, and leaves as a certificate.
//!
//! In: manifests and a target. Out: an [`Audit`] with a certificate, or a reason for its absence, for every dependency.
//! The steps stand in [`Hall::audit_project`] and [`Hall::audit_package`], in the order in which they happen.
#![warn(missing_docs)]

mod anchor;
mod audit_package;
mod audit_project;
mod booking;
mod coordination;
mod entry_points;
mod escalation;
mod files;
mod jobs;
mod ledger;
mod outage;
mod outcome;
mod policy;
mod predecessor;
mod preview;
mod pricing;
mod progress;
mod provenance;
mod reaudit;
mod reproduce;
mod resolution;
mod review;
mod seal;
mod single;
mod submission;
mod waiver;

pub use anchor::{AnchorConfig, AnchorError, AnchorMode, AnchorStep, Anchorer, on_chain};
pub use audit_package::PackageOutcome;
pub use audit_project::AuditOptions;
pub use coordination::{Coordination, Next};
pub use escalation::{OperatorRuling, decide_escalation};
pub use files::FileListing;
pub use jobs::{Worker, WorkerConfig};
pub use ledger::{
    Asked, Asking, Cosigned, KeyChange, Ledger, LedgerError, LedgerFolder, LedgerReader, LedgerSigner, RootChanged,
    Synced, WitnessAddress, WitnessConfig, keep_log,
};
pub use outage::Outage;
pub use outcome::{Audit, BEYOND_DEPTH, Row, RowState, Uncertified};
pub use policy::{Decision, Policy};
pub use preview::{PackagePreview, PreviewItem, PreviewStatus};
pub use pricing::PriceTable;
pub use progress::{Progress, Silent, Step};
pub use reaudit::ReauditError;
pub use reproduce::Reproduced;
pub use review::{
    Certified, Examination, Intake, IntakeError, RepositoryRequest, Review, ReviewRooms, decide_submission,
};
pub use sigma_intake::IntakeProblem;
pub use single::manifest_of;
pub use submission::{Project, ProjectError, ProjectFiles, StoredCode, SubmitError};
pub use waiver::{Judge, Waived, Waiver, WaiverProblems, WaiverState, WaiverUse, Waivers};

use std::sync::Arc;
use std::time::Duration;

use rayon::ThreadPool;
use sigma_analysis::Analyser;
use sigma_core::{Ecosystem, PackageId, Timestamp};
use sigma_ecosystem::{Ecosystems, HttpError, ResolveError};
use sigma_provenance::Roots;
use sigma_store::{Store, StoreError};

/// Why an audit stopped altogether. What concerns single packages is in their rows instead.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ecosystem could not be asked which versions to take.
    #[error("{manifest}: {source}")]
    Resolve {
        /// The manifest that was being resolved.
        manifest: String,
        /// The ecosystem.
        ecosystem: Ecosystem,
        /// The cause.
        source: ResolveError,
    },
    /// The ecosystem does not give certified bytes again that a run needs, and may give them later.
    #[error("{package}: {source}")]
    Fetch {
        /// The package.
        package: PackageId,
        /// The cause.
        source: HttpError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own fault.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Tells the time. Injected, so that tests give the same certificate twice.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Limits of the hall itself.
#[derive(Debug, Clone)]
pub struct HallConfig {
    /// Packages under way at once: enough to keep the network busy while the processors analyse. 8.
    pub parallel_packages: usize,
    /// Distributions analysed at once: the number of processors.
    pub parallel_analyses: usize,
    /// How long a resolved graph is reused. 600 s: what PyPI's own index pages allow (`Cache-Control: max-age=600`).
    pub resolution_lifetime: Duration,
    /// What an audit costs, by complexity.
    pub prices: PriceTable,
}

impl Default for HallConfig {
    fn default() -> Self {
        Self {
            parallel_packages: 8,
            parallel_analyses: std::thread::available_parallelism().map_or(1, usize::from),
            resolution_lifetime: Duration::from_secs(600),
            prices: PriceTable::default(),
        }
    }
}

/// Every room that an audit passes. Cheap to clone.
#[derive(Clone)]
pub struct Hall {
    ecosystems: Ecosystems,
    store: Store,
    analyser: Arc<Analyser>,
    analyses: Arc<ThreadPool>,
    clock: Clock,
    config: HallConfig,
    review: Arc<ReviewRooms>,
    roots: Arc<Roots>,
}

impl Hall {
    /// Puts the rooms together.
    pub fn new(
        ecosystems: Ecosystems,
        store: Store,
        analyser: Analyser,
        clock: Clock,
        config: HallConfig,
    ) -> Result<Self, AuditError> {
        // Analyses have threads of their own: each keeps a parser's arena from file to file, and there must not be more
        // arenas than analyses under way.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(config.parallel_analyses.max(1))
            .thread_name(|index| format!("analysis-{index}"))
            // A panic ends one analysis, whose audit is told; without a handler it would end the process.
            .panic_handler(|_| ())
            .build();
        let analyses = Arc::new(pool.map_err(|error| AuditError::Internal(format!("no analysis threads: {error}")))?);
        let (analyser, review) = (Arc::new(analyser), Arc::default());
        let roots = Roots::pinned().map_err(|error| AuditError::Internal(format!("the pinned roots: {error}")))?;
        Ok(Self { ecosystems, store, analyser, analyses, clock, config, review, roots: Arc::new(roots) })
    }

    /// With other roots for the attestations of packages than the ones that are shipped.
    pub fn with_roots(self, roots: Roots) -> Self {
        Self { roots: Arc::new(roots), ..self }
    }

    /// With what the review of submissions needs.
    pub fn with_review(self, review: ReviewRooms) -> Self {
        Self { review: Arc::new(review), ..self }
    }

    /// What the review of submissions needs.
    pub fn review(&self) -> &ReviewRooms {
        &self.review
    }

    /// The same hall, in which no code is run.
    pub fn without_sandbox(self, why: &str) -> Self {
        let review = ReviewRooms { sandbox: Err(why.to_owned()), ..ReviewRooms::clone(&self.review) };
        self.with_review(review)
    }

    /// The Python that runs submitted code, where there is one: packages are resolved for it.
    pub fn python(&self) -> Option<sigma_core::PythonVersion> {
        self.review.python
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What an audit costs.
    pub fn prices(&self) -> &PriceTable {
        &self.config.prices
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
