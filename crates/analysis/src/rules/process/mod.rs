//! Processes and shells.

pub(super) mod command_download;
pub(super) mod disarming;
pub(super) mod dropped_program;
pub(super) mod encoded_command;
pub(super) mod hidden_window;
pub(super) mod memory_code;
pub(super) mod miner;
pub(super) mod own_program;
pub(super) mod process_spawn;
pub(super) mod reverse_shell;
pub(super) mod shell_command;
pub(super) mod silent_install;
pub(super) mod web_shell;
