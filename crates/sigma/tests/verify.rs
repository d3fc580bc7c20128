//! `sigma verify` and `sigma reproduce`: what somebody has, against certificates of a store, a folder or a server.

mod program;
mod verified {
    mod environments;
    mod files;
    mod lockfiles;
    mod reproduced;
    mod scene;
    mod servers;
}
