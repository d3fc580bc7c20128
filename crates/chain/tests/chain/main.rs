//! The client and the contract against a real node: `tests/install-node` installs it; where it is missing, tests say so.

mod build;
mod contract;
mod gas;
mod handover;
mod hostile;
mod keys;
mod support;
