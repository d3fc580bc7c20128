//! What is read of the user: environment, credential files and stores.

pub(super) mod browser_decryption;
pub(super) mod client_injection;
pub(super) mod clipboard_hijack;
pub(super) mod clipboard_package;
pub(super) mod credential_access;
pub(super) mod environment_read;
pub(super) mod keylogger;
pub(super) mod screen_capture;
pub(super) mod secret_environment_read;
pub(super) mod stealer;
pub(super) mod stealer_package;
pub(super) mod wallet_replacement;
