//! Secrets that the package itself contains.

pub(super) mod embedded_secret;
mod patterns;
