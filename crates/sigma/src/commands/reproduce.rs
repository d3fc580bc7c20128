//! `sigma reproduce`.
use anyhow::Result;
use crate::Outcome;
use crate::args::{Args, Reproduce};
pub async fn run(_: &Args, _: &Reproduce) -> Result<Outcome> { Ok(Outcome::Undecided) }
