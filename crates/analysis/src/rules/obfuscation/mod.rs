//! Code that hides what it is.

pub(super) mod decoded_execution;
pub(super) mod encoded_literal;
pub(super) mod hidden_address;
pub(super) mod hidden_characters;
pub(super) mod hidden_loader;
pub(super) mod hidden_module;
pub(super) mod obfuscator_output;
pub(super) mod pushed_code;
pub(super) mod reordered_code;
pub(super) mod source_encoding;
pub(super) mod too_deep;
