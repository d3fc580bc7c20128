//! Programs that write, and what they can read.

use crate::world::{each, flags, python, run, ways};

#[test]
fn writes_are_told_and_stay_inside() {
    let marker = format!("sigma-written-{}", std::process::id());
    let places = [
        "/",
        "/etc",
        "/usr",
        "/usr/bin",
        "/usr/local/lib",
        "/var/tmp",
        "/root",
        "/home",
        "/work",
        "/work/app",
        "/sigma",
        "/dev",
        "/proc/sys/kernel",
        "/opt",
        "/srv",
        "/boot",
        "/run",
        "/sys/kernel",
    ];
    let text = format!(
        r#"
import os
for folder in {places:?} + [os.environ['HOME'], os.environ['TMPDIR']]:
    path = folder.rstrip('/') + '/{marker}'
    try:
        open(path, 'w').write('x')
        print('wrote', path)
    except OSError as error:
        print('refused', path, error.errno)
for call in (lambda: os.mkdir('/etc/{marker}.d'), lambda: os.rename('/etc/passwd', '/etc/x'), lambda: os.unlink('/etc/hosts'),
             lambda: os.symlink('/etc/passwd', '/etc/link'), lambda: os.chmod('/usr/bin', 0o777), lambda: os.truncate('/etc/group', 0),
             lambda: os.link('/etc/passwd', '/etc/hard'), lambda: open('/etc/ld.so.preload', 'a'),
             lambda: open(os.path.expanduser('~/.bashrc'), 'a'), lambda: os.mknod('/tmp/{marker}-device', 0o020666, os.makedev(1, 1)),
             lambda: open('/proc/sysrq-trigger', 'w').write('b')):
    try:
        call()
        print('did it')
    except OSError as error:
        print('not', error.errno)
"#
    );
    each(&text, |way, execution| {
        let say = format!("{way:?} {execution:#?}");
        assert!(execution.writes.total >= places.len() as u64 + 12, "{say}");
        for path in ["/etc/ld.so.preload", "/etc/link", "/etc/hard", "/etc/group", "/usr/bin"] {
            assert!(execution.writes.listed.iter().any(|listed| listed == path), "{path}: {say}");
        }
        let wrote = execution.output.lines().filter(|line| line.starts_with("wrote")).count();
        assert_eq!(wrote, 2, "home and temporary folder only: {say}");
        // The shell profile lies in the home folder, which is writable and thrown away.
        assert!(execution.output.lines().filter(|line| *line == "did it").count() <= 1, "{say}");
        assert!(flags(&execution).contains(&"write-persistence"), "{say}");
        assert!(flags(&execution).contains(&"write-outside"), "{say}");
    });
    for place in places {
        assert!(!std::path::Path::new(place).join(&marker).exists(), "{place} was written to");
    }
}

/// Files of the machine that are none of the program's business are not there, or cannot be opened.
#[test]
fn the_machine_is_not_readable() {
    let secret = tempfile::Builder::new().prefix("sigma-secret-").tempdir().expect("a folder");
    std::os::unix::fs::chown(secret.path(), Some(crate::world::NOBODY), None).ok();
    std::fs::write(secret.path().join("key"), "the secret of the machine").expect("a file");
    std::fs::set_permissions(secret.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    let text = format!(
        r#"
import os
own = os.getpid()
for path in ({key:?}, '/etc/shadow', '/etc/hostname-of-host', '/proc/1/environ', '/proc/%d/environ' % os.getppid(), '/proc/kcore',
             '/proc/1/root/etc/passwd', '/proc/1/mem', '/dev/mem', '/dev/sda', '/var/log', '/boot', '/sys/class'):
    try:
        if os.path.isdir(path):
            print('listed', path, len(os.listdir(path)))
        else:
            data = open(path, 'rb').read(10)
            print('read' if data else 'empty', path)
    except OSError as error:
        print('refused', path, error.errno)
print('processes', sorted(int(name) for name in os.listdir('/proc') if name.isdigit()) if os.path.isdir('/proc') and os.access('/proc', os.R_OK) else [])
"#,
        key = secret.path().join("key").to_string_lossy()
    );
    each(&text, |way, execution| {
        assert!(!execution.output.lines().any(|line| line.starts_with("read")), "{way:?} {execution:#?}");
        assert!(!execution.output.lines().any(|line| line.starts_with("listed")), "{way:?} {execution:#?}");
    });
}

/// Without namespaces Landlock does not guard modes, owners and attributes: of the machine's files they stay, even where the
/// user who runs it owns them. In the program's own folders modes can be changed.
#[test]
fn modes_of_the_machine_stay() {
    let folder = tempfile::Builder::new().prefix("sigma-mode-").tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("a mode");
    std::os::unix::fs::chown(&file, Some(crate::world::NOBODY), Some(crate::world::NOBODY)).ok();
    let text = format!(
        r#"
import os, tempfile
target, own = {file:?}, os.environ['TMPDIR'] + '/own'
open(own, 'w')
os.symlink(target, own + '-link')
def attempt(call):
    try:
        call()
        print('did it')
    except OSError as error:
        print('not', error.errno)
attempt(lambda: os.chmod(target, 0o777))
attempt(lambda: os.chmod(own + '-link', 0o777))
attempt(lambda: os.chown(target, os.getuid(), os.getgid()))
attempt(lambda: os.utime(target, (1, 1)))
attempt(lambda: os.setxattr(target, 'user.x', b'x'))
attempt(lambda: os.chmod(os.path.dirname(target), 0o777))
print('own:')
attempt(lambda: os.chmod(own, 0o600))
print(oct(os.stat(own).st_mode))
attempt(lambda: os.fchmod(os.open(own, os.O_RDWR), 0o640))
print(oct(os.stat(own).st_mode))
attempt(lambda: os.utime(own, (1, 1)))
"#,
        file = file.to_string_lossy()
    );
    each(&text, |way, execution| {
        let (foreign, own) = execution.output.split_once("own:\n").expect("both parts");
        assert!(!foreign.contains("did it"), "{way:?} {execution:#?}");
        assert_eq!(own, "did it\n0o100600\ndid it\n0o100640\ndid it\n", "{way:?} {execution:#?}");
    });
    let mode = |path: &std::path::Path| {
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).expect("it is there").permissions()) & 0o777
    };
    assert_eq!((mode(&file), mode(folder.path())), (0o644, 0o755));
}

#[test]
fn what_is_writable_is_bounded() {
    let text = r#"
import os, time
total = 0
try:
    for number in range(1000):
        with open(os.environ['TMPDIR'] + '/fill%d' % number, 'wb') as file:
            for _ in range(30):
                total += file.write(b'x' * (1 << 20))
except OSError as error:
    print('full', error.errno)
print('total', total >> 20)
"#;
    for way in ways() {
        let execution = run(way, &python(text));
        if !way.namespaces() {
            // The host's disk: it is looked at now and then, and the program is ended.
            assert_eq!(execution.exercises[0].outcome, "ended at the limit of files", "{way:?} {execution:#?}");
            assert!(flags(&execution).contains(&"disk-limit"), "{way:?} {execution:#?}");
            continue;
        }
        let total: u64 = execution.output.rsplit_once("total ").expect("a total").1.trim().parse().expect("a number");
        assert!(execution.output.contains("full 28") && total <= 64, "{way:?} {execution:#?}");
    }
}
