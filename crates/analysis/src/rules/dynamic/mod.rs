//! Code and objects made at run time.

pub(super) mod data_file_execution;
pub(super) mod deserialisation;
pub(super) mod dynamic_code;
pub(super) mod native_library;
