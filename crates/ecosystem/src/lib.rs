//! PyPI and npm: resolving, downloading with integrity, advisories, attestations.
//!
//! In: a [`sigma_core::Manifest`], a target, and what the ecosystems answer (all of it hostile). Out:
//! [`sigma_core::Graph`], [`Artifact`], [`sigma_core::AdvisorySnapshot`]. Only this crate speaks to the ecosystems; it
//! must never run anything that it fetched.

mod artifact;
mod attestations;
mod config;
mod download;
mod ecosystems;
mod http;
mod installs;
mod npm;
mod patience;
mod post;
mod pypi;
mod range;
mod resolve;
mod staging;

pub use artifact::{Artifact, FetchError, Hashed, Mismatch};
pub use attestations::Attestations;
pub use config::EcosystemConfig;
pub use ecosystems::Ecosystems;
pub use http::{Http, HttpError};
pub use installs::installs;
pub use post::{Posted, Poster};
pub use resolve::ResolveError;
/// What is resolved: whoever depends on this room reads manifests by it.
pub use sigma_manifest as manifest;
