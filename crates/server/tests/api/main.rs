//! The public API as a client meets it.

mod sample;
mod support;

mod admin;
mod advisories;
mod developer;
mod evidence;
mod hostile;
mod kept;
mod lists;
mod operations;
mod order;
mod osv;
mod package_schema;
mod packages;
mod reviewed;
mod stats;
