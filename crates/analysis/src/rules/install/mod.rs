//! What runs when the package is installed.

pub(super) mod foreign_dependency;
pub(super) mod in_tree_backend;
pub(super) mod install_command;
pub(super) mod install_request;
pub(super) mod node_gyp;
pub(super) mod npm_script;
pub(super) mod npm_script_download;
pub(super) mod npm_settings;
pub(super) mod pth_code;
pub(super) mod registry_change;
pub(super) mod setup_code;
pub(super) mod setup_command;
