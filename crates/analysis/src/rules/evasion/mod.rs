//! Code that looks where it runs before it shows what it does.

pub(super) mod broken_builtin;
pub(super) mod endless_loop;
pub(super) mod logic_bomb;
pub(super) mod sandbox_check;
pub(super) mod targeting;
