//! Checks a whole log: every entry is hashed again, every tile computed again, up to the root that the checkpoint signs.

use tlog_tiles::tlog::record_hash;

use super::edge::{Edge, bytes_of};
use super::reader::split_entries;
use super::{LogError, Reader, Resource, Storage, WIDTH};

/// What a check found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FsckReport {
    /// How many entries were hashed.
    pub entries: u64,
    /// How many tiles and bundles were read.
    pub resources: u64,
    /// What is wrong, each with the path of the resource; at most a thousand.
    pub problems: Vec<String>,
}

/// More problems than these are not listed.
pub const MAX_PROBLEMS: usize = 1000;

/// Checks everything that the checkpoint of a reader covers. `leaf` is asked about every entry, for what a hash cannot say.
///
/// # Errors
/// When storage fails. What is merely wrong is in the report.
pub fn fsck<S: Storage>(
    reader: &Reader<S>,
    mut leaf: impl FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<FsckReport, LogError> {
    let mut report = FsckReport::default();
    let size = reader.checkpoint().size;
    let mut edge = Edge::default();
    let mut newest = 0;
    for index in 0..size.div_ceil(WIDTH) {
        let Some((resource, bytes)) = report.note(reader.bundle(index))? else { break };
        let Some(entries) = report.note(split_entries(&resource, &bytes))? else { break };
        if let Some(times) = report.note(reader.times(index))?
            && times.iter().any(|time| std::mem::replace(&mut newest, *time) > *time)
        {
            let width = times.len() as u16;
            report.problem(&Resource::Times { index, width }, "a time goes back");
        }
        let mut full = Vec::new();
        for (entry, position) in entries.iter().zip(index * WIDTH..) {
            if let Err(why) = leaf(position, entry) {
                report.problem(&resource, &format!("entry {position}: {why}"));
            }
            edge.push(record_hash(entry), |tile, bytes| full.push((tile, bytes)));
        }
        report.entries += entries.len() as u64;
        full.into_iter().try_for_each(|(tile, bytes)| report.compare(reader, tile, &bytes))?;
    }
    if report.entries == size {
        for (tile, bytes) in edge.partial() {
            report.compare(reader, tile, &bytes)?;
        }
        if edge.root()? != reader.checkpoint().root {
            report.problem(&Resource::Checkpoint, "its root is not that of the entries");
        }
    } else {
        report.problem(&Resource::Checkpoint, &format!("got {} entries, expected {size}", report.entries));
    }
    Ok(report)
}

impl FsckReport {
    /// Damage is noted; what storage cannot tell is an error.
    fn note<T>(&mut self, result: Result<T, LogError>) -> Result<Option<T>, LogError> {
        self.resources += 1;
        match result {
            Ok(value) => Ok(Some(value)),
            Err(LogError::Damaged { place, why }) => {
                self.push(format!("{place}: {why}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn compare<S: Storage>(&mut self, reader: &Reader<S>, tile: Resource, expected: &[u8]) -> Result<(), LogError> {
        let Resource::Tile { level, index, .. } = tile else { return Ok(()) };
        if let Some(hashes) = self.note(reader.tile(level, index))?
            && bytes_of(&hashes) != expected
        {
            self.problem(&tile, "its hashes are not those of the entries");
        }
        Ok(())
    }

    fn problem(&mut self, resource: &Resource, why: &str) {
        self.push(format!("{}: {why}", resource.path()));
    }

    fn push(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}
