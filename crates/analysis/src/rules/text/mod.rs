//! What a text shows only to machines.

pub(super) mod mixed_script_name;
