//! Anchoring against a real EVM node (`crates/chain/tests/install-node`): what is certified ends on the chain once, whatever ends in
//! the middle, and whatever the node does.

mod crash;
mod flow;
mod hostile;
#[path = "../made/mod.rs"]
mod made;
mod support;
