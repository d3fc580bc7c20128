//! The embedded seats of the council: one panel for packages, one for submissions of code.

pub mod code;
pub mod package;
