//! What a program leaves in its folders is searched for mock secrets, once nothing runs any more.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use super::decide::{Judge, lock};
use super::prepare::Places;
use crate::canary::OVERLAP;

/// Looks for mock secrets in the files that the program left in its folders.
pub fn search(judge: &Judge, places: &Places, most: u64) {
    const FILES: usize = 2000;
    let (mut left, mut files) = (most, FILES);
    let base = match &judge.root {
        // A copy of the descriptor's own path: it leads into the sandbox's tree.
        Some(root) => PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd())),
        None => PathBuf::new(),
    };
    let at = |path: &Path| base.join(if judge.root.is_some() { path.strip_prefix("/").unwrap_or(path) } else { path });
    let mut folders = vec![(at(&places.temporary), 0), (at(&places.home), 0)];
    if judge.root.is_some() {
        folders.push((base.join("dev/shm"), 0));
    }
    let own: Vec<PathBuf> =
        lock(&judge.recorder).canaries.files.iter().map(|(name, _)| at(&places.home.join(name))).collect();
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < 32 {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && files > 0 && left > 0 && !own.contains(&entry.path()) {
                files -= 1;
                left = left.saturating_sub(search_one(judge, &entry.path(), left));
            }
        }
    }
}

fn search_one(judge: &Judge, path: &Path, most: u64) -> u64 {
    use std::os::unix::fs::OpenOptionsExt as _;
    let options = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let Ok(file) = options else { return 0 };
    let mut file = io::Read::take(file, most);
    let (mut buffer, mut kept, mut total) = (vec![0; 64 << 10], 0, 0);
    while let Ok(got @ 1..) = io::Read::read(&mut file, &mut buffer[kept..]) {
        total += got as u64;
        let have = kept + got;
        lock(&judge.recorder).leaving(&buffer[..have], "file");
        kept = have.min(OVERLAP);
        buffer.copy_within(have - kept..have, 0);
    }
    total
}
