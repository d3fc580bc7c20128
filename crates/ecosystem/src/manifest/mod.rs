//! Manifests and lockfiles.
