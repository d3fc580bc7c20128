//! Changes of the file system: which calls make them, and what is recorded and allowed of each.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;

use super::{Call, Judge, done, lock};
use crate::supervisor::notify::{Answer, Listener, Question};
use crate::supervisor::{memory, paths, sys};

/// Calls that change the file system: where the path is, and the folder it is relative to (`None`: the working folder).
pub(super) const CHANGES: &[(Call, usize, Option<usize>)] = &[
    (libc::SYS_openat, 1, Some(0)),
    (libc::SYS_mkdirat, 1, Some(0)),
    (libc::SYS_mknodat, 1, Some(0)),
    (libc::SYS_unlinkat, 1, Some(0)),
    (libc::SYS_renameat2, 1, Some(0)),
    (libc::SYS_renameat2, 3, Some(2)),
    (libc::SYS_renameat, 1, Some(0)),
    (libc::SYS_renameat, 3, Some(2)),
    (libc::SYS_linkat, 3, Some(2)),
    (libc::SYS_symlinkat, 2, Some(1)),
    (libc::SYS_truncate, 0, None),
    (libc::SYS_fchmodat, 1, Some(0)),
    (452, 1, Some(0)), // fchmodat2
    (libc::SYS_fchownat, 1, Some(0)),
    (libc::SYS_utimensat, 1, Some(0)),
    (libc::SYS_setxattr, 0, None),
    (libc::SYS_lsetxattr, 0, None),
    (libc::SYS_removexattr, 0, None),
    (libc::SYS_lremovexattr, 0, None),
];

#[cfg(target_arch = "x86_64")]
pub(super) const CHANGES_HERE: &[(Call, usize, Option<usize>)] = &[
    (libc::SYS_open, 0, None),
    (libc::SYS_creat, 0, None),
    (libc::SYS_mkdir, 0, None),
    (libc::SYS_mknod, 0, None),
    (libc::SYS_rmdir, 0, None),
    (libc::SYS_unlink, 0, None),
    (libc::SYS_rename, 0, None),
    (libc::SYS_rename, 1, None),
    (libc::SYS_link, 1, None),
    (libc::SYS_symlink, 1, None),
    (libc::SYS_chmod, 0, None),
    (libc::SYS_chown, 0, None),
    (libc::SYS_lchown, 0, None),
    (libc::SYS_utime, 0, None),
    (libc::SYS_utimes, 0, None),
    (libc::SYS_futimesat, 1, Some(0)),
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const CHANGES_HERE: &[(Call, usize, Option<usize>)] = &[];

/// The same by descriptor.
pub(super) const CHANGES_BY_FD: &[Call] =
    &[libc::SYS_fchmod, libc::SYS_fchown, libc::SYS_fsetxattr, libc::SYS_fremovexattr];

/// Changes that Landlock does not cover. With a tree of its own, mounts do; without one, they are done in the asker's place.
pub(super) const BEYOND_LANDLOCK: &[Call] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    452,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

impl Judge {
    /// A path that is about to change.
    pub(super) fn changes(&self, listener: &Listener, question: &Question, folder: i32, address: u64) {
        let path = memory::path(question.pid, address);
        let resolved = path.map(|path| paths::absolute(question.pid, folder, &String::from_utf8_lossy(&path)));
        if listener.still_waits(question) {
            self.write(&resolved.unwrap_or_else(|_| "(unreadable)".to_owned()));
        }
    }

    /// Mode and times of files: in the program's own folders only. The file is opened once, without following a link, and
    /// what was opened is judged. Owners and extended attributes stay as they are.
    pub(super) fn change_attributes(&self, listener: &Listener, question: &Question) -> Answer {
        let (pid, arguments) = (question.pid, &question.arguments);
        let x86 = cfg!(target_arch = "x86_64");
        #[cfg(target_arch = "x86_64")]
        let (chmod, times) = (libc::SYS_chmod, [libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat]);
        #[cfg(not(target_arch = "x86_64"))]
        let (chmod, times) = (libc::SYS_fchmodat, [libc::SYS_utimensat; 3]);
        let (folder, path, mode) = match Call::from(question.call) {
            libc::SYS_fchmod => (None, None, Some(arguments[1])),
            call if x86 && call == chmod => (None, Some(arguments[0]), Some(arguments[1])),
            libc::SYS_fchmodat | 452 => (Some(arguments[0]), Some(arguments[1]), Some(arguments[2])),
            libc::SYS_utimensat if arguments[1] == 0 => (None, None, None),
            libc::SYS_utimensat => (Some(arguments[0]), Some(arguments[1]), None),
            call if x86 && call == times[2] => (Some(arguments[0]), Some(arguments[1]), None),
            call if times.contains(&call) => (None, Some(arguments[0]), None),
            _ => return Answer::Fail(libc::EPERM),
        };
        let file = match path {
            None => self.take(question, arguments[0] as i32),
            Some(address) => memory::path(pid, address).and_then(|path| {
                let folder = folder.map_or(libc::AT_FDCWD, |folder| folder as i32);
                let path = paths::absolute(pid, folder, &String::from_utf8_lossy(&path));
                sys::open_file(Path::new(&path))
            }),
        };
        if !listener.still_waits(question) {
            return Answer::Fail(libc::EINTR);
        }
        let Ok(file) = file else { return Answer::Fail(libc::EPERM) };
        let place = sys::path_of(file.as_fd());
        if !self.writable.iter().any(|folder| place.as_ref().is_ok_and(|place| place.starts_with(folder))) {
            return Answer::Fail(libc::EPERM);
        }
        match mode {
            Some(mode) => done(sys::set_mode(file.as_fd(), mode as u32 & 0o777)),
            None => Answer::Value(0), // times: nobody will ask for them
        }
    }

    pub(super) fn write(&self, path: &str) {
        if !paths::is_no_file(path) {
            lock(&self.recorder).write(path);
        }
    }

    pub(super) fn is_there(&self, path: &str) -> bool {
        match (&self.root, CString::new(path)) {
            (Some(root), Ok(path)) => sys::open_below(root.as_fd(), &path, libc::O_PATH).is_ok(),
            (None, _) => std::path::Path::new(path).exists(),
            (_, Err(_)) => false,
        }
    }
}
