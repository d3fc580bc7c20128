//! How much of a hostile archive is read before we stop and say so.

/// Limits on one distribution. Each has a unit and a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unpacked bytes in all, nested archives included. 2 GiB: twice the largest popular package.
    pub unpacked_bytes: u64,
    /// Entries in all. 200,000: twice what other tools allow.
    pub entries: u64,
    /// Unpacked bytes per packed byte, judged once `ratio_floor` bytes came out. 200: real source reaches 30.
    pub ratio: u64,
    /// Unpacked bytes below which the ratio is not judged. 32 MiB: a small repetitive file is no bomb.
    pub ratio_floor: u64,
    /// Bytes of one file that are held in memory and analysed; a larger file is hashed and sniffed only. 24 MiB: the
    /// largest real source files (bundled compilers) have 10.
    pub file_bytes: u64,
    /// Archives inside archives. 4 levels.
    pub nesting: u32,
    /// Length of a path in bytes. 1,024.
    pub path_bytes: usize,
    /// Nesting of brackets in source that is handed to a parser. 400: a parser recurses on each, and an overflow would
    /// abort the process; real code stays below 100.
    pub syntax_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 2 << 30,
            entries: 200_000,
            ratio: 200,
            ratio_floor: 32 << 20,
            file_bytes: 24 << 20,
            nesting: 4,
            path_bytes: 1024,
            syntax_depth: 400,
        }
    }
}
