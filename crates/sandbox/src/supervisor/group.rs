//! A control group (version 2) for one run, where the controllers are delegated to us: the kernel then bounds the memory
//! of all processes together, exactly and at once. Elsewhere limits of each process and the watchdog do.

use std::path::{Path, PathBuf};

use crate::Request;

/// The group of one run; removed when it goes out of scope.
pub struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes a group and puts the first process into it; nothing where that is not to be had.
    pub fn make(request: &Request, first: i32) -> Option<Self> {
        let parent = request.cgroup.clone().or_else(own)?;
        let controllers = std::fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
        if !["memory", "pids"].iter().all(|name| controllers.split_whitespace().any(|have| have == *name)) {
            return None;
        }
        let path = parent.join(format!("sigma-{first}"));
        std::fs::create_dir(&path).ok()?;
        let group = Self { path };
        let limits = &request.limits;
        let set = |file: &str, value: String| std::fs::write(group.path.join(file), value).is_ok();
        // The files of the sandbox count too, and its first process.
        let memory = limits.memory.saturating_add(limits.disk).saturating_add(16 << 20);
        let _ = set("memory.swap.max", "0".to_owned());
        let _ = set("memory.oom.group", "0".to_owned());
        let stands = set("memory.max", memory.to_string())
            && set("pids.max", limits.tasks.saturating_add(2).to_string())
            && set("cgroup.procs", first.to_string());
        stands.then_some(group)
    }

    /// The most memory that was used, bytes.
    pub fn peak(&self) -> Option<u64> {
        std::fs::read_to_string(self.path.join("memory.peak")).ok()?.trim().parse().ok()
    }

    /// Whether the kernel ended a process for want of memory.
    pub fn hit_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::write(self.path.join("cgroup.kill"), "1");
        // A group can be removed when its last process is gone.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// The group that this process is in.
fn own() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
    [Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/unified")]
        .into_iter()
        .map(|mount| mount.join(&path))
        .find(|path| path.join("cgroup.procs").exists())
}
