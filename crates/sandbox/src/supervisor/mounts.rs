//! The file system of the sandbox: a tmpfs built from nothing, with what programs need bound read-only.
//!
//! In: paths of the host. Out: the new root, in place. Runs in a mount namespace of its own, with capabilities over it.
//! It must never show a file of the host that is not named here, and leave nothing writable but `/tmp`, `/home` and
//! `/dev/shm`.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::sys::{self, c, check};

/// Where the code lies in the sandbox; dependencies lie beside it, where Node finds them.
pub const APP: &str = "/work/app";
/// The home folder.
pub const HOME: &str = "/home/dev";
/// Our own files: the harness.
pub const OURS: &str = "/sigma";

/// What to mount.
pub struct Plan {
    /// Folder of the host, path in the sandbox.
    pub bound: Vec<(PathBuf, PathBuf)>,
    /// Files that are made: path in the sandbox, content, whether the code may write beside it (home and `/tmp`).
    pub made: Vec<(PathBuf, Vec<u8>)>,
    /// Size of what is writable, bytes.
    pub disk: u64,
    /// The user that the code runs as, as numbers outside.
    pub owner: (u32, u32),
}

/// A step and the error it met.
pub type Outcome<T> = Result<T, String>;

fn at<T>(what: impl std::fmt::Display, result: io::Result<T>) -> Outcome<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

const RDONLY: u64 = 0x1;
const NOSUID: u64 = 0x2;
const NODEV: u64 = 0x4;
const NOEXEC: u64 = 0x8;
const EMPTY_PATH: libc::c_int = 0x1000;
const RECURSIVE: libc::c_int = 0x8000;

/// Adds attributes to a mount and all below it.
fn set_attributes(mount: &OwnedFd, set: u64) -> io::Result<()> {
    let attributes: [u64; 4] = [set, 0, 0, 0];
    // SAFETY: `attributes` has the form and size of `struct mount_attr`, the path is empty and ends with NUL.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            EMPTY_PATH | RECURSIVE,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    })
    .map(drop)
}

/// A copy of the mount at a path of the host, attached nowhere.
fn clone_tree(path: &CStr) -> io::Result<OwnedFd> {
    const CLONE: libc::c_int = 1;
    let flags = CLONE | libc::O_CLOEXEC | RECURSIVE;
    // SAFETY: the path ends with NUL.
    let fd = check(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    // SAFETY: the kernel just made it for us.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd as i32) })
}

fn attach(mount: &OwnedFd, target: &CStr) -> io::Result<()> {
    const F_EMPTY_PATH: libc::c_int = 4;
    let (from, to) = (mount.as_raw_fd(), libc::AT_FDCWD);
    // SAFETY: both paths end with NUL.
    check(unsafe { libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), to, target.as_ptr(), F_EMPTY_PATH) })
        .map(drop)
}

fn mount(source: &str, target: &Path, kind: &str, flags: libc::c_ulong, data: &str) -> io::Result<()> {
    let target = c(target.as_os_str().as_encoded_bytes())?;
    let (source, kind, data) = (c(source)?, c(kind)?, c(data)?);
    // SAFETY: all texts end with NUL and live until the call returns.
    check(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) }.into())
        .map(drop)
}

/// Binds a file or folder of the host at a path below `root`, read-only.
fn bind(from: &Path, to: &Path, attributes: u64) -> Outcome<()> {
    let what = || format!("binding {} into the sandbox", from.display());
    let is_folder = at(what(), std::fs::metadata(from))?.is_dir();
    let tree = at(what(), c(from.as_os_str().as_encoded_bytes()).and_then(|path| clone_tree(&path)))?;
    at(what(), set_attributes(&tree, attributes))?;
    if !to.exists() {
        at(what(), make_place(to, is_folder))?;
    }
    at(what(), c(to.as_os_str().as_encoded_bytes()).and_then(|path| attach(&tree, &path)))
}

/// An empty file or folder to mount something on.
fn make_place(at: &Path, folder: bool) -> io::Result<()> {
    if folder {
        return std::fs::create_dir_all(at);
    }
    at.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::File::create(at).map(drop)
}

/// Mounts of the new root are made below this path, a folder that is everywhere and not needed any more.
const STAGE: &str = "/tmp";

/// Builds the new root and moves into it.
pub fn build(plan: &Plan) -> Outcome<()> {
    // Nothing that is mounted here may show outside.
    at("private mounts", mount("none", Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE, ""))?;
    // Copies of the host's trees are taken first: what lies below the stage is hidden in a moment.
    let mut trees = Vec::new();
    for (from, to) in &plan.bound {
        let what = || format!("binding {} into the sandbox", from.display());
        let is_folder = at(what(), std::fs::metadata(from))?.is_dir();
        let tree = at(what(), c(from.as_os_str().as_encoded_bytes()).and_then(|path| clone_tree(&path)))?;
        at(what(), set_attributes(&tree, RDONLY | NOSUID | NODEV))?;
        trees.push((tree, is_folder, to));
    }
    let root = Path::new(STAGE);
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    // Room for the code, each file in whole pages and with its folders, and for a few files of ours.
    let size: usize = (1 << 20) + plan.made.iter().map(|(_, content)| content.len() + 4096).sum::<usize>();
    let size = format!("mode=755,size={size},nr_inodes={}", 4096 + 4 * plan.made.len());
    at("the root", mount("sigma", root, "tmpfs", libc::MS_NOSUID | libc::MS_NODEV, &size))?;

    // `/bin` and the like are links into `/usr` on most systems, folders of their own on others.
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let host = Path::new("/").join(name);
        match std::fs::read_link(&host) {
            Ok(target) => at(name, std::os::unix::fs::symlink(target, root.join(name)))?,
            Err(_) if host.is_dir() => bind(&host, &root.join(name), RDONLY | NOSUID | NODEV)?,
            Err(_) => {}
        }
    }
    devices(root)?;
    etc(root)?;

    // What is writable: one tmpfs, so that one size bounds it all.
    let writable = root.join("w");
    at("/w", std::fs::create_dir(&writable))?;
    let size = format!("mode=755,size={},nr_inodes=16384", plan.disk);
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    at("the writable folders", mount("sigma", &writable, "tmpfs", flags, &size))?;
    for (name, target, mode) in [("tmp", "/tmp", 0o1777), ("shm", "/dev/shm", 0o1777), ("home", HOME, 0o755)] {
        let from = writable.join(name);
        at(name, std::fs::create_dir(&from))?;
        at(name, std::fs::set_permissions(&from, std::os::unix::fs::PermissionsExt::from_mode(mode)))?;
        let target = inside(Path::new(target));
        at(name, std::fs::create_dir_all(&target))?;
        let tree = at(name, c(from.as_os_str().as_encoded_bytes()).and_then(|path| clone_tree(&path)))?;
        at(name, c(target.as_os_str().as_encoded_bytes()).and_then(|path| attach(&tree, &path)))?;
    }
    for (path, content) in &plan.made {
        let path = inside(path);
        at(path.display(), path.parent().map_or(Ok(()), std::fs::create_dir_all))?;
        at(path.display(), std::fs::write(&path, content))?;
    }
    own(&inside(Path::new(HOME)), plan.owner)?;
    own(&inside(Path::new("/tmp")), plan.owner)?;
    // After what is ours was given away: an interpreter may lie below `/tmp`, and nothing of the host changes its owner.
    for (tree, is_folder, to) in trees {
        let to = inside(to);
        at(to.display(), make_place(&to, is_folder))?;
        at(to.display(), c(to.as_os_str().as_encoded_bytes()).and_then(|path| attach(&tree, &path)))?;
    }
    at("/w", detach(&writable))?;
    at("/w", std::fs::remove_dir(&writable))?;

    proc(&inside(Path::new("/proc")), &inside(Path::new(OURS)))?;
    pivot(root)?;
    let flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV;
    at("a read-only root", mount("none", Path::new("/"), "", flags, ""))
}

/// Gives what was made to the user that the code runs as.
pub fn own(folder: &Path, (uid, gid): (u32, u32)) -> Outcome<()> {
    at(folder.display(), std::os::unix::fs::lchown(folder, Some(uid), Some(gid)))?;
    for entry in at(folder.display(), std::fs::read_dir(folder))?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            own(&entry.path(), (uid, gid))?;
        } else {
            at(entry.path().display(), std::os::unix::fs::lchown(entry.path(), Some(uid), Some(gid)))?;
        }
    }
    Ok(())
}

fn detach(target: &Path) -> io::Result<()> {
    let target = c(target.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends with NUL.
    check(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }.into()).map(drop)
}

/// The few devices that programs use, bound from the host. They are opened through the bind, so nodev stays off there.
fn devices(root: &Path) -> Outcome<()> {
    let dev = root.join("dev");
    at("/dev", std::fs::create_dir(&dev))?;
    for name in ["null", "zero", "full", "random", "urandom"] {
        bind(&Path::new("/dev").join(name), &dev.join(name), NOSUID | NOEXEC)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        at(name, std::os::unix::fs::symlink(target, dev.join(name)))?;
    }
    Ok(())
}

/// The address of the name server inside.
pub const NAME_SERVER: &str = "127.0.0.53";

fn etc(root: &Path) -> Outcome<()> {
    let etc = root.join("etc");
    at("/etc", std::fs::create_dir(&etc))?;
    let resolv = format!("nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n");
    let files = [
        ("passwd", format!("root:x:0:0:root:/root:/usr/sbin/nologin\ndev:x:1000:1000:dev:{HOME}:/bin/sh\n")),
        ("group", "root:x:0:\ndev:x:1000:\n".to_owned()),
        ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n".to_owned()),
        ("hostname", "sandbox\n".to_owned()),
        ("resolv.conf", resolv),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("os-release", "ID=linux\nNAME=Linux\nPRETTY_NAME=\"Linux\"\n".to_owned()),
        ("machine-id", "00000000000000000000000000000000\n".to_owned()),
    ];
    for (name, content) in files {
        at(name, std::fs::write(etc.join(name), content))?;
    }
    // What libraries are found by, and public certificates: nothing of it is about this machine's users.
    for name in [
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "alternatives",
        "ssl/certs",
        "ssl/openssl.cnf",
        "pki/tls/certs",
        "localtime",
        "protocols",
        "services",
    ] {
        let host = Path::new("/etc").join(name);
        // A link such as `localtime` is followed; one that leads nowhere is left out.
        if host.exists() && std::fs::File::open(&host).is_ok() {
            bind(&host, &etc.join(name), RDONLY | NOSUID | NODEV | NOEXEC)?;
        }
    }
    Ok(())
}

/// Processes of the sandbox. Where the kernel refuses (a container that masks its own), a few files that tell the same.
fn proc(target: &Path, ours: &Path) -> Outcome<()> {
    at("/proc", std::fs::create_dir(target))?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    if mount("proc", target, "proc", flags, "").is_ok() {
        let (empty, none) = (ours.join("empty"), ours.join("none"));
        at("masks", make_place(&empty, false))?;
        at("masks", make_place(&none, true))?;
        // The masks of the OCI runtime specification's reference implementation.
        for name in [
            "kcore",
            "keys",
            "latency_stats",
            "timer_list",
            "timer_stats",
            "sched_debug",
            "sysrq-trigger",
            "kallsyms",
            "kpagecount",
            "kpageflags",
            "kpagecgroup",
            "config.gz",
            "cmdline",
            "modules",
            "iomem",
            "ioports",
        ] {
            if target.join(name).exists() {
                bind(&empty, &target.join(name), RDONLY | NOSUID | NODEV | NOEXEC)?;
            }
        }
        for name in ["acpi", "scsi", "asound", "driver", "fs", "irq", "bus", "sysvipc"] {
            if target.join(name).is_dir() {
                bind(&none, &target.join(name), RDONLY | NOSUID | NODEV | NOEXEC)?;
            }
        }
        return bind(&target.join("sys"), &target.join("sys"), RDONLY | NOSUID | NODEV | NOEXEC);
    }
    for name in ["cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems"] {
        if let Ok(content) = std::fs::read(Path::new("/proc").join(name)) {
            at(name, std::fs::write(target.join(name), content))?;
        }
    }
    Ok(())
}

fn pivot(root: &Path) -> Outcome<()> {
    at("the new root", std::env::set_current_dir(root))?;
    // The old root is stacked under the new one, then taken away: no folder is needed for it.
    // SAFETY: both paths end with NUL.
    let pivoted = check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) });
    at("pivot_root", pivoted)?;
    at("the old root", detach(Path::new(".")))?;
    at("the new root", std::env::set_current_dir("/"))
}

/// The root of another process, for looking paths up in it.
pub fn root_of(pid: i32) -> io::Result<OwnedFd> {
    let root = sys::c(format!("/proc/{pid}/root"))?;
    // SAFETY: the path ends with NUL.
    let fd = check(unsafe { libc::open(root.as_ptr(), libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) }.into())?;
    // SAFETY: the kernel just made it for us.
    let fd: OwnedFd = unsafe { std::os::fd::FromRawFd::from_raw_fd(fd as i32) };
    Ok(fd)
}
