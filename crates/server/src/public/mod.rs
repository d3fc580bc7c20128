//! What anybody may ask, without authentication. One file for each noun.

pub(crate) mod batch;
pub(crate) mod by_hash;
pub(crate) mod certificates;
pub(crate) mod evidence;
pub(crate) mod flags;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod osv;
pub(crate) mod packages;
pub(crate) mod purl;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod stats;
pub(crate) mod submissions;
pub(crate) mod summary;
pub(crate) mod verify;
