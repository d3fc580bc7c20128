//! What the kernel is asked for by exploits and debuggers.

use crate::world::{each, flags};

#[test]
fn privileged_calls_are_refused_and_told() {
    let text = r#"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
x86 = os.uname().machine == 'x86_64'
calls = {
    'ptrace': (101, 117, (0, 0, 0, 0)), 'mount': (165, 40, (b'none', b'/tmp', b'tmpfs', 0, 0)), 'umount2': (166, 39, (b'/tmp', 2)),
    'unshare': (272, 97, (0x10000000,)), 'setns': (308, 268, (0, 0)), 'bpf': (321, 280, (0, 0, 0)),
    'io_uring_setup': (425, 425, (8, ctypes.create_string_buffer(120))), 'keyctl': (250, 219, (0, 0)),
    'add_key': (248, 217, (b'user', b'k', b'v', 1, -3)), 'userfaultfd': (323, 282, (0,)), 'perf_event_open': (298, 241, (0, 0, -1, -1, 0)),
    'process_vm_readv': (310, 270, (os.getppid(), 0, 0, 0, 0, 0)), 'pivot_root': (155, 41, (b'/tmp', b'/tmp')),
    'chroot': (161, 51, (b'/tmp',)), 'init_module': (175, 105, (0, 0, b'')), 'seccomp': (317, 277, (0, 0, 0)),
    'clone': (56, 220, (0x10000000 | 17, 0, 0, 0, 0)), 'open_by_handle_at': (304, 265, (0, 0, 0)), 'reboot': (169, 142, (0, 0, 0, 0)),
    'fsopen': (430, 430, (b'tmpfs', 0)), 'open_tree': (428, 428, (-100, b'/', 1)), 'memfd_secret': (447, 447, (0,)),
    'pidfd_getfd': (438, 438, (0, 0, 0)), 'kexec_load': (246, 104, (0, 0, 0, 0)), 'syslog': (103, 116, (3, 0, 0)),
    'prctl': (157, 167, (4, 1, 0, 0, 0)), 'personality': (135, 92, (0x40000,)),
}
for name, (intel, arm, arguments) in calls.items():
    ctypes.set_errno(0)
    result = libc.syscall(intel if x86 else arm, *arguments)
    if result == 0 and name == 'clone':
        os._exit(0)
    print(name, result, ctypes.get_errno())
# In an argument's upper half nothing hides: the kernel reads an int.
print('ioctl', libc.syscall(16 if x86 else 29, 0, ctypes.c_ulong(0x5412 | 1 << 32), b'x'), ctypes.get_errno())
"#;
    each(text, |way, execution| {
        let say = format!("{way:?} {execution:#?}");
        let lines: Vec<&str> = execution.output.lines().collect();
        assert_eq!(lines.len(), 28, "{say}");
        for line in lines {
            let name = line.split(' ').next().unwrap_or_default();
            let expect = if name.starts_with("io_uring") { "-1 38" } else { "-1 1" };
            assert_eq!(line, format!("{name} {expect}"), "{say}");
            assert_eq!(execution.refused.get(name), Some(&1), "{name}: {say}");
        }
        assert!(flags(&execution).contains(&"privileged-call"), "{say}");
    });
}

#[cfg(target_arch = "x86_64")]
#[test]
fn other_entries_of_the_kernel_are_closed() {
    let text = r#"
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
print('x32', libc.syscall(0x40000000 | 39), ctypes.get_errno(), flush=True)
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
# mov eax, number; int 0x80; ret. 20 is getpid of the 32-bit table, 102 socketcall: the network by the old door.
for name, number in (('getpid', 20), ('socketcall', 102)):
    code.seek(0)
    code.write(b'\xb8' + number.to_bytes(4, 'little') + b'\xcd\x80\xc3')
    if os.fork() == 0:
        print(name, call(), flush=True)
        os._exit(0)
    print(name, 'ended', os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"#;
    each(text, |way, execution| {
        assert!(execution.output.contains("x32 -1 38"), "{way:?} {execution:#?}");
        assert_eq!(execution.refused.get("x32 system call"), Some(&1), "{way:?} {execution:#?}");
        // A kernel without the 32-bit entry ends the program instead (SIGSEGV).
        if !execution.output.contains("getpid ended -11") {
            assert!(execution.output.contains("getpid -38\ngetpid ended 0"), "{way:?} {execution:#?}");
            assert!(execution.output.contains("socketcall -38"), "{way:?} {execution:#?}");
            assert_eq!(execution.refused.get("32-bit system call"), Some(&2), "{way:?} {execution:#?}");
        }
    });
}

/// Nobody outside of the sandbox can be signalled, traced or limited; its own children can.
#[test]
fn foreign_processes_are_out_of_reach() {
    let mut victim = std::process::Command::new("sleep").arg("600").spawn().expect("sleep starts");
    let text = format!(
        r#"
import os, resource, signal, subprocess
victim = {victim}
for target in (victim, -victim, os.getppid(), 1):
    try:
        os.kill(target, signal.SIGTERM)
        print('signalled', target)
    except OSError as error:
        print('refused', error.errno)
try:
    resource.prlimit(victim, resource.RLIMIT_NOFILE, (1, 1))
    print('limited')
except OSError as error:
    print('refused', error.errno)
child = subprocess.Popen(['sleep', '60'])
child.kill()
print('own child', child.wait())
"#,
        victim = victim.id()
    );
    each(&text, |way, execution| {
        assert!(execution.output.contains("own child -9"), "{way:?} {execution:#?}");
        assert!(!execution.output.contains("limited"), "{way:?} {execution:#?}");
        // With a process namespace, the first process gets the signal and does not mind; without, nobody gets it.
        let signalled = execution.output.matches("signalled").count();
        assert!(signalled == 0 || way.namespaces(), "{way:?} {execution:#?}");
        assert!(!execution.output.contains(&format!("signalled {}", victim.id())), "{way:?} {execution:#?}");
    });
    assert!(victim.try_wait().expect("a state").is_none(), "the process outside was ended");
    victim.kill().expect("it can be ended from here");
    victim.wait().expect("it ends");
}
