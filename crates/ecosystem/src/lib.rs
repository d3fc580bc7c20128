//! PyPI and npm: manifests and lockfiles, resolving, downloading with integrity, advisories, attestations.
//!
//! In: a project folder, a target, and what the ecosystems answer (all of it hostile). Out: [`sigma_core::Manifest`],
//! [`sigma_core::Graph`], [`Artifact`], [`sigma_core::AdvisorySnapshot`]. Only this crate speaks to the ecosystems; it
//! must never run anything that it fetched.

mod artifact;
mod attestations;
mod config;
mod download;
mod ecosystems;
mod http;
mod installs;
pub mod manifest;
mod marker;
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
