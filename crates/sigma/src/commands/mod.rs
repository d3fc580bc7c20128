//! The commands.

pub mod audit;
pub mod hash;
pub mod show;
