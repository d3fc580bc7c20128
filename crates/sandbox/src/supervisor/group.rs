//! A control group (version 2) for one run, where the controllers are delegated to us: the kernel then bounds the memory
//! of all processes together, exactly and at once. Elsewhere limits of each process and the watchdog do.
//!
//! In: a group that was delegated, such as that of a systemd unit with `Delegate=`. Out: a group below it for one run, gone when the
//! run is. It must never touch a group that nobody delegated.

use std::path::{Path, PathBuf};

use super::sys;
use crate::Request;

/// What groups of runs are called, before the number of their supervisor.
const NAME: &str = "sigma-run-";
/// Where whoever has the delegated group moves to: a group with controllers for others must hold no process itself.
const OWN: &str = "sigma-own";

/// The group of one run; removed when it goes out of scope.
pub struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes a group and puts the first process into it; nothing where that is not to be had.
    pub fn make(request: &Request, first: i32) -> Option<Self> {
        let parent = request.cgroup.clone().or_else(delegated)?;
        if !has_controllers(&parent) && !enable(&parent) {
            return None;
        }
        remove_leftovers(&parent);
        let path = parent.join(format!("{NAME}{}", std::process::id()));
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

/// Whether groups below this one have what bounds them.
fn has_controllers(parent: &Path) -> bool {
    let controllers = std::fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
    ["memory", "pids"].iter().all(|name| controllers.split_whitespace().any(|have| have == *name))
}

/// Has them, if it can be. The processes in the group itself move to one below it; whoever is started meanwhile makes it another
/// try.
fn enable(parent: &Path) -> bool {
    let own = parent.join(OWN);
    for _ in 0..20 {
        let held = std::fs::read_to_string(parent.join("cgroup.procs")).unwrap_or_default();
        if !held.trim().is_empty() {
            let _ = std::fs::create_dir(&own);
            for process in held.lines() {
                let _ = std::fs::write(own.join("cgroup.procs"), process);
            }
        }
        if std::fs::write(parent.join("cgroup.subtree_control"), "+memory +pids").is_ok() {
            return has_controllers(parent);
        }
    }
    false
}

/// Groups of supervisors that were killed before they could remove them.
fn remove_leftovers(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let supervisor = name.to_str().and_then(|name| name.strip_prefix(NAME)?.parse::<i32>().ok());
        let gone = |pid: i32| {
            pid != std::process::id() as i32
                && sys::kill(pid, 0).is_err_and(|error| error.raw_os_error() == Some(libc::ESRCH))
        };
        if supervisor.is_some_and(gone) {
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// The group that was delegated to whoever this process belongs to: its own, or, where it was put into one below, the one above.
/// systemd says so in an attribute of the folder (since version 251).
fn delegated() -> Option<PathBuf> {
    let own = own()?;
    [Some(own.as_path()), own.parent()]
        .into_iter()
        .flatten()
        .find(|path| sys::attribute(path, c"user.delegate").is_some_and(|value| value == b"1"))
        .map(Path::to_owned)
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

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::{Code, Interpreter, Job, Kind, Limits, PROTOCOL, Tier};

    fn request() -> Request {
        let interpreter = Interpreter { program: "/bin/true".into(), version: String::new(), prefix: None };
        Request {
            protocol: PROTOCOL,
            job: Job {
                language: sigma_core::CodeLanguage::Python,
                code: Code::Files { files: Vec::new() },
                entry: "main.py".to_owned(),
                kind: Kind::Auto,
                dependencies: None,
                declared_hosts: Vec::new(),
                arguments: None,
                harness: None,
            },
            interpreter,
            limits: Limits { memory: 64 << 20, disk: 0, tasks: 10, ..Limits::default() },
            tier: Tier::Auto,
            read_only: Vec::new(),
            cgroup: None,
        }
    }

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    /// Under `systemd-run --pipe --wait -p Delegate=yes`, as root or not; elsewhere it says that there is nothing to be tested.
    #[test]
    fn a_run_has_a_group_of_its_own_where_one_is_delegated() {
        let mut child = sleeper();
        let Some(group) = Group::make(&request(), child.id() as i32) else {
            let offered = |parent: PathBuf| std::fs::read_to_string(parent.join("cgroup.controllers")).unwrap();
            let offered = delegated().map(offered).unwrap_or_default();
            assert!(!offered.contains("memory"), "a delegated group is used: {offered}");
            eprintln!("SKIPPED on this machine: no control group is delegated to this process");
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        };
        let read = |file: &str| std::fs::read_to_string(group.path.join(file)).unwrap().trim().to_owned();
        assert_eq!(read("cgroup.procs"), child.id().to_string());
        assert_eq!((read("memory.max"), read("pids.max")), ((80 << 20).to_string(), "12".to_owned()));
        assert!(!group.hit_memory());
        // One that a killed supervisor left behind; process numbers end below this one.
        let (parent, path) = (group.path.parent().unwrap().to_owned(), group.path.clone());
        let leftover = parent.join(format!("{NAME}2000000000"));
        std::fs::create_dir(&leftover).unwrap();
        remove_leftovers(&parent);
        assert!(!leftover.exists() && path.exists());
        drop(group);
        assert!(!child.wait().unwrap().success(), "whoever is in it ends with it");
        assert!(!path.exists());
    }
}
