//! npm.

mod build;
mod order;
mod overrides;
mod packument;
mod pick;
mod place;
mod spec;
mod tree;
