//! An ecosystem that does not answer now, and may later.

use std::time::Duration;

use sigma_core::Ecosystem;
use sigma_ecosystem::{HttpError, ResolveError};

use crate::AuditError;

/// What keeps something from being done until it passes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Who does not answer, in words for everybody: without addresses.
    pub words: String,
    /// How long it asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Outage {
    /// `None` when the same request would fail later too: what does not exist, or may not be asked.
    pub fn of(ecosystem: Ecosystem, error: &HttpError) -> Option<Self> {
        let title = ecosystem.title();
        let words = match error {
            _ if !error.is_transient() => return None,
            HttpError::Status { status: 429, .. } => format!("{title} asks for a pause (status 429)"),
            HttpError::Status { status, .. } => format!("{title} answers with the status {status}"),
            _ => format!("{title} cannot be reached"),
        };
        Some(Self { words, retry_after: error.retry_after() })
    }
}

impl AuditError {
    /// The outage that is the cause.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Resolve { ecosystem, source: ResolveError::Http(error), .. } => Outage::of(*ecosystem, error),
            Self::Fetch { package, source } => Outage::of(package.ecosystem(), source),
            _ => None,
        }
    }
}
