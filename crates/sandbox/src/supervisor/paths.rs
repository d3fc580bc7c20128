//! What a path of a process under test means.

use super::sys;

/// The path from the root of the sandbox, without links resolved: what the program asked for, not what it got.
pub fn absolute(pid: i32, folder: i32, path: &str) -> String {
    if path.starts_with('/') {
        return normal(path);
    }
    let base = match folder {
        libc::AT_FDCWD => read_link(&format!("/proc/{pid}/cwd")),
        fd => of_descriptor(pid, fd),
    };
    normal(&format!("{}/{path}", base.as_deref().unwrap_or("(unknown folder)")))
}

/// What a descriptor of a process stands for.
pub fn of_descriptor(pid: i32, fd: i32) -> Option<String> {
    read_link(&format!("/proc/{pid}/fd/{fd}"))
}

/// The program that a process runs.
pub fn program_of(pid: i32) -> Option<String> {
    read_link(&format!("/proc/{pid}/exe"))
}

fn read_link(path: &str) -> Option<String> {
    Some(std::fs::read_link(path).ok()?.to_string_lossy().into_owned())
}

/// Without `.`, `..` and doubled slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Opening these for writing changes no file.
pub fn is_no_file(path: &str) -> bool {
    matches!(path, "/dev/null" | "/dev/zero" | "/dev/full" | "/dev/tty" | "/dev/stdin" | "/dev/stdout" | "/dev/stderr")
        || path.starts_with("/dev/fd/")
        || path.starts_with("/proc/self/fd/")
}

/// Sockets that C libraries look for, and those of the program's own folders.
pub fn is_ordinary_socket(name: &str) -> bool {
    let ours = ["/tmp/", "/dev/shm/", "/home/dev/"];
    matches!(name, "" | "/var/run/nscd/socket" | "/run/nscd/socket" | "/run/systemd/resolve/io.systemd.Resolve")
        || ours.iter().any(|folder| name.starts_with(folder))
}

/// Whether a process was made by another, however far back.
pub fn descends_from(pid: i32, ancestor: i32) -> bool {
    let mut at = pid;
    for _ in 0..1000 {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{at}/stat")) else { return false };
        // The name in parentheses may hold anything; the fields behind it do not.
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<i32>().ok());
        match parent {
            Some(parent) if parent == ancestor => return true,
            Some(parent) if parent > 1 => at = parent,
            _ => return false,
        }
    }
    false
}

/// A process and all that descend from it, as far as they can be seen at this moment.
pub fn family(pid: i32) -> Vec<i32> {
    let mut out = vec![pid];
    let mut at = 0;
    while let Some(parent) = out.get(at).copied() {
        at += 1;
        for thread in std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            out.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
        if out.len() > 10_000 {
            break;
        }
    }
    out
}

/// Kills all that descends from a process, until nothing is left. Stopped first, so that none of them can make another
/// while it is looked for.
pub fn end_family(ancestor: i32) {
    for _ in 0..1000 {
        let others: Vec<i32> = family(ancestor).into_iter().filter(|pid| *pid != ancestor).collect();
        others.iter().for_each(|pid| drop(sys::kill(*pid, libc::SIGSTOP)));
        let others: Vec<i32> = family(ancestor).into_iter().filter(|pid| *pid != ancestor).collect();
        others.iter().for_each(|pid| drop(sys::kill(*pid, libc::SIGKILL)));
        match sys::wait(-1, false) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(std::time::Duration::from_millis(1)),
            Err(_) => return, // no children are left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_as_they_were_meant() {
        let check = |path, expect| assert_eq!(absolute(0, libc::AT_FDCWD, path), expect);
        check("/work/app/../../etc//cron.d/./x", "/etc/cron.d/x");
        check("/../../etc/passwd", "/etc/passwd");
        check("/", "/");
        assert_eq!(absolute(0, libc::AT_FDCWD, "x"), "/(unknown folder)/x");
        assert!(is_no_file("/dev/null") && !is_no_file("/dev/shm/x") && !is_no_file("/proc/self/mem"));
    }

    #[test]
    fn a_family_is_found() {
        let mut child = std::process::Command::new("sleep").arg("20").spawn().expect("sleep starts");
        let own = std::process::id() as i32;
        assert!(family(own).contains(&(child.id() as i32)));
        assert!(descends_from(child.id() as i32, own) && !descends_from(own, child.id() as i32));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
}
