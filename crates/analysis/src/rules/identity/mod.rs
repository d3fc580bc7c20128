//! Who the package says it is.

pub(super) mod copied_description;
pub(super) mod dependency_confusion_version;
pub(super) mod empty_metadata;
pub(super) mod identity_mismatch;
pub(super) mod impostor;
pub(super) mod lookalike_name;
pub(super) mod shadowed_command;
pub(super) mod shadowed_module;
pub(super) mod starjacking;
