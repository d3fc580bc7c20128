//! What developers do with a token: drafts, previews, quotes, submissions and what happens to them. One file for each noun.
//!
//! In: a bearer token and JSON. Out: one's own things only: whatever is somebody else's is answered as if it were not there.

pub(crate) mod caller;
pub(crate) mod drafts;
pub(crate) mod events;
mod places;
pub(crate) mod preview;
pub(crate) mod quote;
pub(crate) mod submissions;

use std::sync::Arc;

use sigma_ecosystem::manifest::ReadOptions;
use sigma_pipeline::Hall;
use tokio::sync::Notify;

use self::places::{Full, Place, Places};
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
    resolving: Places,
    /// Places for live views: each asks the store once a second.
    live: Places,
}

/// Previews and quotes at once, and those of one owner; others are told to come back.
const RESOLVING: (usize, usize) = (8, 4);
/// Live views at once, and those of one owner.
const LIVE: (usize, usize) = (200, 50);

impl Plane {
    pub(crate) fn new(developer: Developer) -> Self {
        let places = |(all, each)| Places::new(all, each);
        Self { developer, resolving: places(RESOLVING), live: places(LIVE) }
    }

    /// A place for resolving.
    pub(crate) fn resolving(&self, owner: &str) -> Result<Place, Problem> {
        let full = |full| match full {
            Full::All => Problem::new(Code::Unavailable, "too many projects are being resolved at the moment"),
            Full::Owner => {
                Problem::new(Code::RateLimited, "too many projects of yours are being resolved at the moment")
            }
        };
        self.resolving.take(owner).map_err(|why| full(why).retry_after(5))
    }

    /// A place for a live view.
    pub(crate) fn live(&self, owner: &str) -> Result<Place, Problem> {
        let full = |full| match full {
            Full::All => Problem::new(Code::Unavailable, "too many live views are open; ask for the status instead"),
            Full::Owner => {
                Problem::new(Code::RateLimited, "too many live views of yours are open; ask for the status instead")
            }
        };
        self.live.take(owner).map_err(|why| full(why).retry_after(30))
    }
}

/// The plane of a server that has one.
pub(crate) fn plane(app: &App) -> Result<&Plane, Problem> {
    app.plane.get().ok_or_else(|| Problem::new(Code::NotFound, "this server has no developer API"))
}
