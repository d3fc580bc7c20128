//! The room as others see it, against servers on loopback.

mod host;
mod probe;
mod repository;
mod select;
