//! Tests of keys, log and verification, against other implementations where they are installed.

mod anchor;
mod crash;
mod keys;
mod log;
mod others;
mod root;
mod support;
mod tamper;
mod vectors;
mod verify;
mod witness;
mod witnesses;
