//! What a developer submits: a public repository locked to one commit, or a local folder; and the endpoints that it
//! declares.
//!
//! In: an address and a reference, or a path; a category, an entry point, a note. Out: [`SourceTree`]s that hold every
//! file under review whole, or all reasons at once why there is none; [`SkillManifest`]s; what endpoints answered.
//!
//! Only this room speaks git, and only it speaks to hosts that a submitter names. It must never start a program, check
//! files out, follow a link, a submodule or a redirect, send a credential, read a git configuration, or reach an address
//! that is not public. Everything that it reads is bounded in bytes, number, depth and time.
//!
//! [`SourceTree`]: sigma_core::SourceTree
//! [`SkillManifest`]: sigma_core::SkillManifest
#![warn(missing_docs)]

mod address;
mod config;
mod folder;
mod git;
mod listing;
pub mod note;
mod path;
pub mod probe;
mod problem;
mod select;
pub mod skill;

pub use address::{AddressError, Authorities, AuthoritiesError, is_public};
pub use config::{ProbeConfig, RepositoryConfig, SubmissionLimits};
pub use folder::{FolderError, folder};
pub use git::{RepositoryAddress, RepositoryError, repository};
pub use listing::{Kind, Listing};
pub use problem::{IntakeProblem, ProblemCode};
pub use select::{Selected, Wanted, select};
