//! Processes and shells.

pub(super) mod process_spawn;
pub(super) mod reverse_shell;
pub(super) mod shell_command;
