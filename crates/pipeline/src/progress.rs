//! What an audit is doing right now, for whoever shows it.

/// A step of an audit. Names and numbers only; nothing in it needs escaping beyond what the names' types guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The ecosystem is asked which versions to take.
    Resolving {
        /// The manifest.
        manifest: &'a str,
    },
    /// The graph is known.
    Resolved {
        /// Packages in it.
        packages: usize,
        /// Of these, already certified.
        cached: usize,
        /// Of these, to be audited now.
        to_audit: usize,
    },
    /// A package's distributions are being fetched.
    Fetching {
        /// The package.
        package: &'a str,
    },
    /// Bytes arrived.
    Fetched {
        /// How many more.
        bytes: u64,
    },
    /// A package is being analysed.
    Analysing {
        /// The package.
        package: &'a str,
    },
    /// A submission is being run in isolation.
    Running {
        /// The submission.
        submission: &'a str,
    },
    /// The endpoints that a submission declares are being asked.
    Probing {
        /// The submission.
        submission: &'a str,
    },
    /// The council votes on a package or submission.
    Council {
        /// The package.
        package: &'a str,
    },
    /// A package is done, with or without certificate.
    Finished {
        /// The package.
        package: &'a str,
    },
}

/// Receives steps.
pub trait Progress: Send + Sync {
    /// Takes note of a step. Called often, from many tasks: must be quick.
    fn step(&self, step: Step<'_>);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: Step<'_>) {}
}
