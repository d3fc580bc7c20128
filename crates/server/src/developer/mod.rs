//! What developers do with a token: drafts, previews, quotes, submissions and what happens to them. One file for each noun.
//!
//! In: a bearer token and JSON. Out: one's own things only: whatever is somebody else's is answered as if it were not there.

pub(crate) mod caller;
pub(crate) mod drafts;
pub(crate) mod events;
pub(crate) mod preview;
pub(crate) mod quote;
pub(crate) mod submissions;

use std::sync::Arc;

use sigma_ecosystem::manifest::ReadOptions;
use sigma_pipeline::Hall;
use tokio::sync::{Notify, Semaphore};

use crate::App;
use crate::config::AuditsConfig;
use crate::problem::{Code, Problem};

/// What the developer plane needs besides the store.
#[derive(Clone)]
pub struct Developer {
    /// Resolves, looks up, submits.
    pub hall: Hall,
    /// How manifests are read: which indexes count as the public ones.
    pub read: ReadOptions,
    /// Told after a submission, where a worker runs in this process.
    pub wake: Option<Arc<Notify>>,
    /// Jobs that may be open before submissions are turned away for a while.
    pub most_open: u32,
    /// How many transitive packages a submission may have audited.
    pub caps: AuditsConfig,
}

/// The plane, once it is open.
pub(crate) struct Plane {
    pub(crate) developer: Developer,
    /// Places for previews and quotes: each may resolve, which keeps the network and a processor busy.
    resolving: Semaphore,
    /// Places for live views: each asks the store once a second.
    pub(crate) live: Arc<Semaphore>,
}

/// Previews and quotes at once; others are told to come back.
const RESOLVING: usize = 8;
/// Live views at once.
const LIVE: usize = 200;

impl Plane {
    pub(crate) fn new(developer: Developer) -> Self {
        Self { developer, resolving: Semaphore::new(RESOLVING), live: Arc::new(Semaphore::new(LIVE)) }
    }

    /// A place for resolving.
    pub(crate) fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
        self.resolving.try_acquire().map_err(|_| {
            Problem::new(Code::Unavailable, "too many projects are being resolved at the moment").retry_after(5)
        })
    }
}

/// The plane of a server that has one.
pub(crate) fn plane(app: &App) -> Result<&Plane, Problem> {
    app.plane.get().ok_or_else(|| Problem::new(Code::NotFound, "this server has no developer API"))
}
