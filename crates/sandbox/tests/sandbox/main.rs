//! What foreign code tries, and what becomes of it: each program runs as root and as an ordinary user, with namespaces and
//! without. The programs are ours and inert; addresses are those kept for documentation and tests.
#![cfg(target_os = "linux")]

mod bounds;
mod canaries;
mod client;
mod files;
mod harness;
mod limits;
mod network;
mod privileged;
mod spawn;
mod world;
