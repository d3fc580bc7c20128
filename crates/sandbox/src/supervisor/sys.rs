//! The kernel's calls as safe functions: descriptors are owned, errors are `io::Error`.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// The result of a call that gives -1 and `errno`.
pub fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_int(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes a descriptor that a call just made.
fn own(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the kernel just made this descriptor for us, nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A text for the kernel.
pub fn c(text: impl Into<Vec<u8>>) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a NUL byte in a name"))
}

pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    check_int(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: both were just made for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

pub fn socketpair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    check_int(unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) })?;
    // SAFETY: both were just made for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

pub fn socket(domain: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    own(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) }.into())
}

/// How many descriptors one message may carry.
const FDS: usize = 8;

#[repr(align(8))]
struct Control([u8; 64]);

/// Sends a message with descriptors.
pub fn send(socket: BorrowedFd<'_>, data: &[u8], fds: &[RawFd]) -> io::Result<()> {
    assert!(fds.len() <= FDS, "room for the descriptors");
    let mut control = Control([0; 64]);
    let mut iov = libc::iovec { iov_base: data.as_ptr() as *mut _, iov_len: data.len() };
    // SAFETY: an all-zero msghdr is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut iov;
    message.msg_iovlen = 1;
    if !fds.is_empty() {
        let bytes = std::mem::size_of_val(fds) as u32;
        message.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE only computes; CMSG_FIRSTHDR points into `control`, which is aligned and large enough for
        // eight descriptors, and CMSG_DATA behind its header.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(bytes) as _;
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(bytes) as _;
            std::ptr::copy_nonoverlapping(fds.as_ptr().cast::<u8>(), libc::CMSG_DATA(header), bytes as usize);
        }
    }
    loop {
        // SAFETY: everything that `message` points to lives until the call returns.
        match check(unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) } as libc::c_long) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

/// Receives a message with descriptors; an empty one is the end.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = Control([0; 64]);
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: an all-zero msghdr is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut iov;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    let got = loop {
        // SAFETY: everything that `message` points to lives until the call returns.
        let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) };
        match check(got as libc::c_long) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other? as usize,
        }
    };
    let mut fds = Vec::new();
    // SAFETY: the kernel filled `control` and its length; the macros stay within it, and descriptors of SCM_RIGHTS are
    // new and ours. They are read unaligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let count = ((*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize) / size_of::<RawFd>();
                let data = libc::CMSG_DATA(header).cast::<RawFd>();
                fds.extend((0..count).map(|at| OwnedFd::from_raw_fd(data.add(at).read_unaligned())));
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok((got, fds))
}

/// Waits until one of them is ready. `None` waits for ever. Gives what each is ready for.
pub fn poll(fds: &[(RawFd, libc::c_short)], timeout: Option<Duration>) -> io::Result<Vec<libc::c_short>> {
    let mut polled: Vec<libc::pollfd> =
        fds.iter().map(|(fd, events)| libc::pollfd { fd: *fd, events: *events, revents: 0 }).collect();
    let wait = timeout.map_or(-1, |time| i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
    // SAFETY: the array lives until the call returns, and its length is right.
    match check_int(unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, wait) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(polled.iter().map(|entry| entry.revents).collect()),
    }
}

/// Reads once; nothing is the end.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the buffer is ours and its length is right.
        match check(unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) } as libc::c_long) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|got| got as usize),
        }
    }
}

/// Writes once.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the buffer is ours and its length is right.
        match check(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } as libc::c_long) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|got| got as usize),
        }
    }
}

pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<bool> {
    // SAFETY: no memory is passed.
    let flags = check_int(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    let new = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, new) })?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

pub fn prctl(option: libc::c_int, value: libc::c_ulong) -> io::Result<libc::c_int> {
    // SAFETY: only options that take numbers are passed by this crate.
    check_int(unsafe { libc::prctl(option, value, 0, 0, 0) })
}

pub fn kill(pid: i32, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// The user at the other end of a socket; nothing where a descriptor is none.
pub fn asker(fd: RawFd) -> Option<u32> {
    let mut who = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut size = size_of_val(&who) as libc::socklen_t;
    // SAFETY: `who` has the form and size that this option writes.
    let got =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut who).cast(), &raw mut size) };
    (got == 0).then_some(who.uid)
}

/// An extended attribute of a file or folder, as far as it is short.
pub fn attribute(path: &std::path::Path, name: &CStr) -> Option<Vec<u8>> {
    let path = c(path.as_os_str().as_encoded_bytes()).ok()?;
    let mut value = vec![0; 64];
    // SAFETY: both texts end with NUL, and the buffer is as long as it is said to be.
    let got = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(usize::try_from(got).ok()?);
    Some(value)
}

/// What `wait4` tells of a child that ended.
pub struct Ended {
    pub pid: i32,
    pub status: libc::c_int,
    pub cpu: Duration,
    /// The largest resident set of it or of one of its children, bytes.
    pub peak: u64,
}

/// Reaps one child; nothing where none has ended. `pid` -1 is any.
pub fn wait(pid: i32, block: bool) -> io::Result<Option<Ended>> {
    let mut status = 0;
    // SAFETY: an all-zero rusage is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let options = if block { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
    let got = loop {
        // SAFETY: both results are ours.
        match check_int(unsafe { libc::wait4(pid, &mut status, options, &mut usage) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    Ok((got != 0).then(|| Ended {
        pid: got,
        status,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak: usage.ru_maxrss as u64 * 1024,
    }))
}

/// A new process with its own copy of everything, in new namespaces by `flags`. `None` in the child.
///
/// # Safety
/// The caller must have one thread only, or restrict the child to calls that are safe after `fork`.
pub unsafe fn clone(flags: libc::c_int) -> io::Result<Option<i32>> {
    let flags = libc::c_ulong::from((flags | libc::SIGCHLD) as u32);
    let (zero, null) = (0 as libc::c_ulong, std::ptr::null::<libc::c_void>());
    // SAFETY: without CLONE_VM the child has its own memory and goes on with a copy of this stack, like after `fork`.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, zero, null, null, zero) })? as i32;
    Ok((pid != 0).then_some(pid))
}

pub fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::unshare(flags) }).map(drop)
}

/// A handle for a process or, where the kernel can (6.9), a thread.
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    const PIDFD_THREAD: libc::c_long = libc::O_EXCL as libc::c_long;
    // SAFETY: no memory is passed.
    let thread = own(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid), PIDFD_THREAD) });
    thread.or_else(|_| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse::<libc::c_long>().ok());
        let leader = leader.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        // SAFETY: no memory is passed.
        own(unsafe { libc::syscall(libc::SYS_pidfd_open, leader, 0 as libc::c_long) })
    })
}

/// A copy of another process's descriptor.
pub fn take_fd(pidfd: BorrowedFd<'_>, fd: i32) -> io::Result<OwnedFd> {
    let (pidfd, fd) = (libc::c_long::from(pidfd.as_raw_fd()), libc::c_long::from(fd));
    // SAFETY: no memory is passed.
    own(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, fd, 0 as libc::c_long) })
}

/// Opens a path below `root` as a process whose root folder is `root` would: links cannot leave it.
pub fn open_below(root: BorrowedFd<'_>, path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    const RESOLVE_IN_ROOT: u64 = 0x10;
    const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
    let how: [u64; 3] = [(flags | libc::O_CLOEXEC) as u64, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS];
    // SAFETY: `how` has the form and size of `struct open_how`; the path ends with NUL.
    own(unsafe { libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), how.as_ptr(), size_of_val(&how)) })
}

/// Opens a file or folder of the host without following a link at its end, only to name it.
pub fn open_file(path: &std::path::Path) -> io::Result<OwnedFd> {
    let path = c(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends with NUL.
    own(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC) }.into())
}

/// Where the file behind a descriptor of ours lies.
pub fn path_of(fd: BorrowedFd<'_>) -> io::Result<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// Changes the mode of the file behind a descriptor. A link has none of its own.
pub fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    if path_of(fd)?.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
    }
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// An option of a socket that is a number.
pub fn socket_option(fd: BorrowedFd<'_>, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value and its length are ours.
    check_int(unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, std::ptr::from_mut(&mut value).cast(), &mut length)
    })?;
    Ok(value)
}

pub fn set_socket_option(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is ours and its length is right.
    check_int(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, std::ptr::from_ref(&value).cast(), length) })
        .map(drop)
}

/// Connects to an address given as the bytes of a `sockaddr`.
pub fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    // SAFETY: the address is ours and its length is right.
    check_int(unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as libc::socklen_t) })
        .map(drop)
}

pub fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    // SAFETY: the address is ours and its length is right.
    check_int(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as libc::socklen_t) })
        .map(drop)
}

pub fn listen(fd: BorrowedFd<'_>, backlog: libc::c_int) -> io::Result<()> {
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::listen(fd.as_raw_fd(), backlog) }).map(drop)
}

/// Sends one datagram to an address, without waiting.
pub fn send_to(fd: BorrowedFd<'_>, data: &[u8], address: &[u8]) -> io::Result<usize> {
    // SAFETY: data and address are ours and their lengths are right.
    check(unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            data.as_ptr().cast(),
            data.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            address.as_ptr().cast(),
            address.len() as libc::socklen_t,
        )
    } as libc::c_long)
    .map(|sent| sent as usize)
}

/// The local address of a socket, as the bytes of a `sockaddr`.
pub fn local_address(fd: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut address = vec![0; 128];
    let mut length = address.len() as libc::socklen_t;
    // SAFETY: the buffer is ours and the length is right.
    check_int(unsafe { libc::getsockname(fd.as_raw_fd(), address.as_mut_ptr().cast(), &mut length) })?;
    address.truncate(length as usize);
    Ok(address)
}

/// Whether a socket has somebody at its other end.
pub fn is_connected(fd: BorrowedFd<'_>) -> bool {
    let (mut address, mut length) = ([0u8; 128], 128);
    // SAFETY: the buffer is ours and the length is right.
    unsafe { libc::getpeername(fd.as_raw_fd(), address.as_mut_ptr().cast(), &mut length) == 0 }
}

/// Copies of the memory of another process: what could be read of `length` bytes at `address`.
pub fn read_memory(pid: i32, address: u64, length: usize) -> io::Result<Vec<u8>> {
    const PAGE: u64 = 4096;
    let mut out = vec![0; length];
    // A page that is not mapped must not cost the pages before it: each is a piece of its own.
    let mut remote = Vec::new();
    let (mut at, end) = (address, address.checked_add(length as u64).ok_or(io::ErrorKind::InvalidInput)?);
    while at < end {
        let next = (at / PAGE + 1).saturating_mul(PAGE).min(end);
        remote.push(libc::iovec { iov_base: at as *mut _, iov_len: (next - at) as usize });
        at = next;
    }
    remote.truncate(1024);
    let local = libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: out.len() };
    // SAFETY: the local buffer is ours; the remote addresses are only looked up in the other process.
    let got =
        check(unsafe { libc::process_vm_readv(pid, &local, 1, remote.as_ptr(), remote.len() as libc::c_ulong, 0) }
            as libc::c_long);
    let got = match got {
        Ok(got) => got as usize,
        // A kernel without the call, or a profile that takes it away.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            use std::os::unix::fs::FileExt;
            std::fs::File::open(format!("/proc/{pid}/mem"))?.read_at(&mut out, address)?
        }
        Err(error) => return Err(error),
    };
    out.truncate(got);
    Ok(out)
}

/// Writes into the memory of another process.
pub fn write_memory(pid: i32, address: u64, bytes: &[u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: bytes.as_ptr() as *mut _, iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: bytes.len() };
    // SAFETY: the local buffer is only read; the remote address is only looked up in the other process.
    check(unsafe { libc::process_vm_writev(pid, &local, 1, &remote, 1, 0) } as libc::c_long).map(drop)
}

/// The numbers of this process's user and group.
pub fn ids() -> (u32, u32) {
    // SAFETY: neither call takes memory or fails.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Becomes this user and group for good, without supplementary groups where that is allowed.
pub fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: a count of zero needs no list. It fails where a namespace denies it, which is what `setgroups` says there.
    unsafe { libc::setgroups(0, std::ptr::null()) };
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::setresgid(gid, gid, gid) })?;
    // SAFETY: no memory is passed.
    check_int(unsafe { libc::setresuid(uid, uid, uid) }).map(drop)
}

pub fn set_limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: the limit is ours.
    match check_int(unsafe { libc::setrlimit(resource, &limit) }) {
        Ok(_) => Ok(()),
        // The hard limit is lower already, and may not be raised: take it.
        Err(_) => {
            let mut have = limit;
            // SAFETY: the limit is ours.
            check_int(unsafe { libc::getrlimit(resource, &mut have) })?;
            have.rlim_cur = have.rlim_max.min(value);
            have.rlim_max = have.rlim_cur;
            // SAFETY: the limit is ours.
            check_int(unsafe { libc::setrlimit(resource, &have) }).map(drop)
        }
    }
}

/// Takes all capabilities away, for good.
pub fn drop_capabilities() -> io::Result<()> {
    for capability in 0..64 {
        if prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break; // the first that this kernel does not know, or the right to drop is not there: capset does the rest
        }
    }
    // SAFETY: the option takes four numbers.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong, 0, 0, 0) };
    const VERSION_3: u32 = 0x2008_0522;
    let (header, sets) = ([VERSION_3, 0], [0u32; 6]);
    // SAFETY: header and sets have the form that version 3 asks for.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) }).map(drop)
}

/// Closes every descriptor from `first` to `last`.
pub fn close_range(first: u32, last: u32) {
    // SAFETY: the callers own nothing in that range that they use later.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
}
