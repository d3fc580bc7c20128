//! HTTP: what the public asks the store, what developers submit, and what operators decide.
//!
//! In: requests, all of them hostile, and an open store. Out: certificates as their views show them, lists, statistics, and
//! problem documents (RFC 9457). It must never speak SQL, read files or the environment, or show why it failed inside.
//!
//! A request passes `listen` (connections), `front` (limits, ids, metrics), the router (one line an endpoint) and one handler
//! in `public/`, `developer/` or `admin/`. Answers about single packages are made in `ready` and kept in `kept`; those, `front`
//! gives without the router.
#![warn(missing_docs)]

mod admin;
mod advisories;
mod app;
mod conditional;
mod config;
mod coverage;
mod developer;
mod encoding;
mod explained;
mod front;
mod health;
mod kept;
mod limit;
mod listen;
mod metrics;
mod openapi;
mod packed;
mod problem;
mod public;
mod ready;
mod release;
mod router;

pub use advisories::AskAdvisories;
pub use app::{App, Clock};
pub use config::{AuditsConfig, ServerConfig};
pub use coverage::{ListError, popular_list};
pub use developer::Developer;
pub use listen::serve;
pub use openapi::document;
