//! Which system calls are allowed, refused at once, or handed to the supervisor: a program for the kernel's filter.
//!
//! Ordinary calls are allowed, so that they cost nothing. What writes, starts or connects is handed over. Whatever is
//! not named here is handed over too, and refused there: a new system call of a later kernel is closed until it is named.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::sys::check;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO;

#[cfg(target_arch = "x86_64")]
pub const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub const ARCHITECTURE: u32 = 0xc000_00b7;
/// Set in the numbers of x32 calls.
pub const X32: u32 = 0x4000_0000;

/// Ordinary calls.
#[rustfmt::skip]
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read, libc::SYS_write, libc::SYS_close, libc::SYS_fstat, libc::SYS_lseek, libc::SYS_mmap,
    libc::SYS_mprotect, libc::SYS_munmap, libc::SYS_brk, libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn, libc::SYS_pread64, libc::SYS_pwrite64, libc::SYS_readv, libc::SYS_writev,
    libc::SYS_sched_yield, libc::SYS_mremap, libc::SYS_msync, libc::SYS_mincore, libc::SYS_madvise, libc::SYS_dup,
    libc::SYS_nanosleep, libc::SYS_getitimer, libc::SYS_setitimer, libc::SYS_getpid, libc::SYS_sendfile,
    libc::SYS_accept, libc::SYS_accept4, libc::SYS_shutdown, libc::SYS_listen, libc::SYS_getsockopt, libc::SYS_exit, libc::SYS_wait4, libc::SYS_uname, libc::SYS_fcntl,
    libc::SYS_flock, libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_getdents64, libc::SYS_getcwd, libc::SYS_chdir,
    libc::SYS_fchdir, libc::SYS_umask, libc::SYS_gettimeofday, libc::SYS_getrusage, libc::SYS_sysinfo,
    libc::SYS_times, libc::SYS_getuid, libc::SYS_getgid, libc::SYS_setuid, libc::SYS_setgid, libc::SYS_geteuid,
    libc::SYS_getegid, libc::SYS_setpgid, libc::SYS_getppid, libc::SYS_setsid, libc::SYS_setreuid,
    libc::SYS_setregid, libc::SYS_getgroups, libc::SYS_setgroups, libc::SYS_setresuid, libc::SYS_getresuid,
    libc::SYS_setresgid, libc::SYS_getresgid, libc::SYS_getpgid, libc::SYS_setfsuid, libc::SYS_setfsgid,
    libc::SYS_getsid, libc::SYS_capget, libc::SYS_rt_sigpending, libc::SYS_rt_sigtimedwait, libc::SYS_rt_sigsuspend,
    libc::SYS_sigaltstack, libc::SYS_statfs, libc::SYS_fstatfs, libc::SYS_getpriority, libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler, libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min,
    libc::SYS_sched_rr_get_interval, libc::SYS_sched_getattr, libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_munlock,
    libc::SYS_mlockall, libc::SYS_munlockall, libc::SYS_sync, libc::SYS_gettid, libc::SYS_readahead,
    libc::SYS_getxattr, libc::SYS_lgetxattr, libc::SYS_fgetxattr, libc::SYS_listxattr, libc::SYS_llistxattr,
    libc::SYS_flistxattr, libc::SYS_futex, libc::SYS_sched_setaffinity, libc::SYS_sched_getaffinity,
    libc::SYS_set_tid_address, libc::SYS_restart_syscall, libc::SYS_fadvise64, libc::SYS_timer_create,
    libc::SYS_timer_settime, libc::SYS_timer_gettime, libc::SYS_timer_getoverrun, libc::SYS_timer_delete,
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_exit_group,
    libc::SYS_epoll_ctl, libc::SYS_waitid, libc::SYS_ioprio_get, libc::SYS_readlinkat, libc::SYS_faccessat,
    libc::SYS_newfstatat, libc::SYS_pselect6, libc::SYS_ppoll, libc::SYS_set_robust_list, libc::SYS_get_robust_list,
    libc::SYS_splice, libc::SYS_tee, libc::SYS_sync_file_range, libc::SYS_epoll_pwait, libc::SYS_timerfd_create,
    libc::SYS_fallocate, libc::SYS_timerfd_settime, libc::SYS_timerfd_gettime, libc::SYS_signalfd4,
    libc::SYS_eventfd2, libc::SYS_epoll_create1, libc::SYS_dup3, libc::SYS_pipe2, libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch, libc::SYS_preadv, libc::SYS_pwritev,
    libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_recvmmsg, libc::SYS_getcpu, libc::SYS_getrandom,
    libc::SYS_copy_file_range, libc::SYS_preadv2, libc::SYS_pwritev2, libc::SYS_pkey_mprotect,
    libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_statx, libc::SYS_rseq, libc::SYS_close_range,
    libc::SYS_faccessat2, libc::SYS_epoll_pwait2, libc::SYS_membarrier, libc::SYS_pidfd_open, libc::SYS_syncfs,
    libc::SYS_futex_waitv, libc::SYS_ftruncate, 451 /* cachestat */, 454, 455, 456, /* futex_wake, _wait, _requeue */
    462, /* mseal */
];

/// Ordinary calls that only older architectures have.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[libc::c_long] = &[
    libc::SYS_stat, libc::SYS_lstat, libc::SYS_poll, libc::SYS_access, libc::SYS_pipe, libc::SYS_select,
    libc::SYS_dup2, libc::SYS_pause, libc::SYS_alarm, libc::SYS_fork, libc::SYS_vfork, libc::SYS_getdents,
    libc::SYS_getrlimit, libc::SYS_setrlimit, libc::SYS_getpgrp, libc::SYS_readlink, libc::SYS_arch_prctl,
    libc::SYS_time, libc::SYS_epoll_create, libc::SYS_epoll_wait, libc::SYS_signalfd, libc::SYS_eventfd,
    libc::SYS_inotify_init,
];
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[libc::c_long] = &[163, 164]; // getrlimit, setrlimit

/// Signals. Without a process namespace the supervisor decides whom they may reach.
#[rustfmt::skip]
const SIGNALS: &[libc::c_long] = &[
    libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
];

/// Harmless calls that stay without effect, and are no sign of anything: numpy and V8 try some of them.
#[rustfmt::skip]
const QUIET: &[libc::c_long] = &[
    libc::SYS_mbind, libc::SYS_set_mempolicy, libc::SYS_get_mempolicy, libc::SYS_move_pages,
    libc::SYS_migrate_pages, libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr,
    libc::SYS_setpriority, libc::SYS_ioprio_set,
];

/// Calls that C libraries try first and can do without.
const ABSENT: &[libc::c_long] = &[libc::SYS_clone3, libc::SYS_openat2];

const NEW_NAMESPACES: u32 = 0x7e02_0000;
const WRITING: u32 = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) as u32;

/// Allowed by the value of an argument: (call, argument, condition).
enum When {
    /// None of these bits is set.
    No(u32),
    /// The argument is zero, all of it.
    Zero,
    /// The argument is one of these.
    In(&'static [u32]),
    /// The argument is none of these.
    NotIn(&'static [u32]),
}

const BY_ARGUMENT: &[(libc::c_long, u8, When)] = &[
    (libc::SYS_clone, 0, When::No(NEW_NAMESPACES)),
    (libc::SYS_openat, 2, When::No(WRITING)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1, When::No(WRITING)),
    (libc::SYS_sendto, 4, When::Zero),
    (libc::SYS_socketpair, 0, When::In(&[libc::AF_UNIX as u32])),
    // Pushing characters into a terminal, changing its discipline.
    (libc::SYS_ioctl, 1, When::NotIn(&[libc::TIOCSTI as u32, 0x541c, 0x5423])),
    // Of a process, only itself.
    (libc::SYS_prlimit64, 0, When::Zero),
    (
        libc::SYS_prctl,
        0,
        When::NotIn(&[
            libc::PR_SET_DUMPABLE as u32,
            libc::PR_SET_PTRACER as u32,
            libc::PR_SET_MM as u32,
            libc::PR_SET_SECCOMP as u32,
        ]),
    ),
    // 0xffffffff asks only.
    (libc::SYS_personality, 0, When::In(&[0, u32::MAX])),
];

/// Offsets in `struct seccomp_data`, little-endian machines.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u8) -> u32 {
    16 + 8 * index as u32
}

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const SET: u16 = 0x45;
const RETURN: u16 = 0x06;

fn op(code: u16, k: u32, yes: u8, no: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt: yes, jf: no, k }
}

/// The program. With namespaces, internet sockets are made freely and signals reach nobody outside.
pub fn program(namespaces: bool) -> Vec<libc::sock_filter> {
    let mut out = vec![
        op(LOAD, ARCH, 0, 0),
        op(EQUAL, ARCHITECTURE, 1, 0),
        op(RETURN, NOTIFY, 0, 0),
        op(LOAD, NUMBER, 0, 0),
        op(SET, X32, 0, 1),
        op(RETURN, NOTIFY, 0, 0),
    ];
    let mut each = |calls: &[libc::c_long], verdict: u32| {
        for call in calls {
            out.push(op(EQUAL, *call as u32, 0, 1));
            out.push(op(RETURN, verdict, 0, 0));
        }
    };
    each(ALLOWED, ALLOW);
    each(ALLOWED_HERE, ALLOW);
    each(QUIET, REFUSE | libc::EPERM as u32);
    each(ABSENT, REFUSE | libc::ENOSYS as u32);
    if namespaces {
        each(SIGNALS, ALLOW);
        each(&[libc::SYS_bind, libc::SYS_setsockopt, libc::SYS_getsockname, libc::SYS_getpeername], ALLOW);
    }
    for (call, index, when) in BY_ARGUMENT {
        out.extend(guarded(*call, &condition(*index, when)));
    }
    out.extend(guarded(libc::SYS_socket, &socket(namespaces)));
    out.push(op(RETURN, NOTIFY, 0, 0));
    out
}

/// The block is run for this call only; it must end with a verdict.
fn guarded(call: libc::c_long, block: &[libc::sock_filter]) -> Vec<libc::sock_filter> {
    let mut out = vec![op(EQUAL, call as u32, 0, block.len() as u8)];
    out.extend_from_slice(block);
    out
}

fn condition(index: u8, when: &When) -> Vec<libc::sock_filter> {
    let mut out = vec![op(LOAD, argument(index), 0, 0)];
    match when {
        When::No(bits) => out.extend([op(SET, *bits, 1, 0), op(RETURN, ALLOW, 0, 0), op(RETURN, NOTIFY, 0, 0)]),
        When::Zero => out.extend([
            op(EQUAL, 0, 0, 3),
            op(LOAD, argument(index) + 4, 0, 0),
            op(EQUAL, 0, 0, 1),
            op(RETURN, ALLOW, 0, 0),
            op(RETURN, NOTIFY, 0, 0),
        ]),
        When::In(values) | When::NotIn(values) => {
            let (hit, miss) = if matches!(when, When::In(_)) { (ALLOW, NOTIFY) } else { (NOTIFY, ALLOW) };
            for value in *values {
                out.extend([op(EQUAL, *value, 0, 1), op(RETURN, hit, 0, 0)]);
            }
            out.push(op(RETURN, miss, 0, 0));
        }
    }
    out
}

/// `socket`: local ones always; internet ones of the two ordinary types where a namespace holds them; and the routing
/// netlink, by which C libraries ask for the machine's addresses (there are none but the loopback's).
fn socket(namespaces: bool) -> Vec<libc::sock_filter> {
    const AND: u16 = 0x54;
    let mut out = vec![op(LOAD, argument(0), 0, 0), op(EQUAL, libc::AF_UNIX as u32, 0, 1), op(RETURN, ALLOW, 0, 0)];
    if namespaces {
        out.extend([
            // netlink: protocol 0 only
            op(EQUAL, libc::AF_NETLINK as u32, 0, 4),
            op(LOAD, argument(2), 0, 0),
            op(EQUAL, 0, 0, 1),
            op(RETURN, ALLOW, 0, 0),
            op(RETURN, NOTIFY, 0, 0),
            op(EQUAL, libc::AF_INET as u32, 1, 0),
            op(EQUAL, libc::AF_INET6 as u32, 0, 9),
            op(LOAD, argument(1), 0, 0),
            op(AND, 0xf, 0, 0),
            op(EQUAL, libc::SOCK_STREAM as u32, 1, 0),
            op(EQUAL, libc::SOCK_DGRAM as u32, 0, 5),
            op(LOAD, argument(2), 0, 0),
            op(EQUAL, 0, 2, 0),
            op(EQUAL, libc::IPPROTO_TCP as u32, 1, 0),
            op(EQUAL, libc::IPPROTO_UDP as u32, 0, 1),
            op(RETURN, ALLOW, 0, 0),
        ]);
    }
    out.push(op(RETURN, NOTIFY, 0, 0));
    out
}

/// Installs the filter on this thread, for good, and gives the descriptor on which the supervisor is asked.
pub fn install(program: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // Without the second flag (5.19), a signal can end a call that the supervisor is already deciding.
    let listen = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    for flags in [listen | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, listen] {
        // SAFETY: the program lives until the call returns, and its length is right.
        let result = check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &filter) });
        match result {
            // SAFETY: the kernel just made it for us.
            Ok(fd) => return Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn verdict(program: &[libc::sock_filter], number: libc::c_long, arguments: [u64; 6], arch: u32) -> u32 {
        let mut data = (number as u32).to_ne_bytes().to_vec();
        data.extend(arch.to_ne_bytes());
        data.extend([0; 8]);
        arguments.iter().for_each(|argument| data.extend(argument.to_ne_bytes()));
        let (mut at, mut accumulator) = (0, 0u32);
        loop {
            let step = program[at];
            at += 1;
            let mut jump = |yes| at += usize::from(if yes { step.jt } else { step.jf });
            match step.code {
                LOAD => accumulator = u32::from_ne_bytes(data[step.k as usize..][..4].try_into().expect("four bytes")),
                EQUAL => jump(accumulator == step.k),
                SET => jump(accumulator & step.k != 0),
                RETURN => return step.k,
                0x54 => accumulator &= step.k,
                other => panic!("an instruction {other:#x} that no test knows"),
            }
        }
    }

    #[test]
    fn calls_are_judged_as_the_table_says() {
        let eperm = REFUSE | libc::EPERM as u32;
        for namespaces in [true, false] {
            let program = program(namespaces);
            let check = |number, arguments: [u64; 3], expect| {
                let arguments = [arguments[0], arguments[1], arguments[2], 0, 0, 0];
                assert_eq!(verdict(&program, number, arguments, ARCHITECTURE), expect, "{number} {arguments:?}");
            };
            let with = if namespaces { ALLOW } else { NOTIFY };
            check(libc::SYS_read, [0; 3], ALLOW);
            check(libc::SYS_ptrace, [0; 3], NOTIFY);
            check(999, [0; 3], NOTIFY);
            check(libc::SYS_clone3, [0; 3], REFUSE | libc::ENOSYS as u32);
            check(libc::SYS_mbind, [0; 3], eperm);
            check(libc::SYS_kill, [1, 9, 0], with);
            check(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0], ALLOW);
            check(libc::SYS_clone, [libc::CLONE_NEWUSER as u64, 0, 0], NOTIFY);
            check(libc::SYS_openat, [0, 0, libc::O_CLOEXEC as u64], ALLOW);
            check(libc::SYS_openat, [0, 0, libc::O_RDWR as u64], NOTIFY);
            check(libc::SYS_openat, [0, 0, libc::O_TRUNC as u64], NOTIFY);
            check(libc::SYS_ioctl, [0, libc::TIOCSTI, 0], NOTIFY);
            check(libc::SYS_ioctl, [0, libc::TIOCSTI | 1 << 32, 0], NOTIFY);
            check(libc::SYS_ioctl, [0, libc::TCGETS, 0], ALLOW);
            check(libc::SYS_socketpair, [libc::AF_UNIX as u64, 1, 0], ALLOW);
            check(libc::SYS_socketpair, [libc::AF_INET as u64, 1, 0], NOTIFY);
            check(libc::SYS_socket, [libc::AF_UNIX as u64, 1, 0], ALLOW);
            check(libc::SYS_socket, [libc::AF_INET as u64, 1 | libc::SOCK_CLOEXEC as u64, 0], with);
            check(libc::SYS_socket, [libc::AF_INET6 as u64, 2, libc::IPPROTO_UDP as u64], with);
            check(libc::SYS_socket, [libc::AF_INET as u64, 3, 1], NOTIFY);
            check(libc::SYS_socket, [libc::AF_INET as u64, 2, libc::IPPROTO_ICMP as u64], NOTIFY);
            check(libc::SYS_socket, [libc::AF_NETLINK as u64, 3, 0], with);
            check(libc::SYS_socket, [libc::AF_NETLINK as u64, 3, 12], NOTIFY);
            check(libc::SYS_socket, [libc::AF_VSOCK as u64, 1, 0], NOTIFY);
            // An address above 4 GB whose lower half is zero is an address.
            let high = [3, 0, 0, 0, 1 << 32, 0];
            assert_eq!(verdict(&program, libc::SYS_sendto, high, ARCHITECTURE), NOTIFY);
            assert_eq!(verdict(&program, libc::SYS_sendto, [3, 0, 0, 0, 0, 0], ARCHITECTURE), ALLOW);
            assert_eq!(verdict(&program, libc::SYS_read, [0; 6], 0x4000_0003), NOTIFY, "32-bit");
            assert_eq!(verdict(&program, libc::SYS_read | X32 as libc::c_long, [0; 6], ARCHITECTURE), NOTIFY);
            assert!(program.len() < 4096, "the kernel's limit");
        }
    }
}
