//! Archives: zip (wheels), tar with gzip, bzip2, xz or zstd, and archives inside archives.
//!
//! In: bytes. Out: each member's path, size, digest and (within [`crate::Limits::file_bytes`]) content, one at a time, so
//! that memory does not grow with the archive. It never writes a file.
