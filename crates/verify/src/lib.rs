//! What somebody has, a file, a lockfile or an installed environment, compared with what certificates prove about it.
//!
//! In: bundles and lists of files of anybody, the pinned root, digests and folders at hand. Out: for every package what was
//! proven, by what, and what was not. No network, no keys but those of the root, and nothing of a package is run: who fetches
//! bundles is not believed, and neither is what an installer wrote down.
#![warn(missing_docs)]

mod chain;
mod compare;
mod dist;
mod environment;
mod folder;
mod launcher;
mod lockfile;
mod node;
mod peek;
mod prove;
mod python;
mod record;
mod report;
mod tree;
mod wanted;

pub use chain::{ChainFacts, claims, settle};
pub use compare::Lists;
pub use environment::{Environment, environments};
pub use folder::{BundleFolder, FolderError};
pub use lockfile::{file, lockfile};
pub use prove::{Candidate, Proven, Prover};
pub use report::{CertificateFacts, Files, Outcome, PackageResult, Section, SectionKind, StatusFacts, Verification};
pub use wanted::Wanted;
