//! Programs that start programs.

use crate::world::{each, flags, node, python, run, ways};

fn started(execution: &sigma_core::Execution, program: &str) -> u64 {
    execution.spawns.listed.iter().filter(|spawn| spawn.program.ends_with(program)).map(|spawn| spawn.count).sum()
}

#[test]
fn every_route_is_told() {
    let text = r#"
import os, subprocess
print(subprocess.run(['uname', '-s'], capture_output=True, text=True).stdout)
os.waitpid(os.posix_spawn('/usr/bin/env', ['env', 'true', 'posix'], os.environ), 0)
os.system('echo from a shell')
if os.fork() == 0:
    os.execvp('id', ['id', '-u'])
os.wait()
try:
    subprocess.run(['no-such-program', '--flag'])
except FileNotFoundError as error:
    print('missing')
"#;
    each(text, |way, execution| {
        let say = format!("{way:?} {execution:#?}");
        assert_eq!(started(&execution, "uname"), 1, "{say}");
        assert_eq!(started(&execution, "env"), 1, "{say}");
        assert_eq!(started(&execution, "true"), 1, "{say}");
        assert_eq!(started(&execution, "sh"), 1, "{say}");
        assert_eq!(started(&execution, "id"), 1, "a search along PATH is one attempt: {say}");
        assert_eq!(started(&execution, "no-such-program"), 1, "{say}");
        assert_eq!(execution.spawns.total, 6, "{say}");
        let shell = execution.spawns.listed.iter().find(|spawn| spawn.program.ends_with("sh")).expect("the shell");
        // glibc 2.41 says where the options end.
        let arguments: Vec<&str> = shell.arguments.iter().map(String::as_str).filter(|one| *one != "--").collect();
        assert_eq!(arguments, ["-c", "echo from a shell"], "{say}");
        assert!(execution.output.contains("Linux") && execution.output.contains("from a shell"), "{say}");
        assert!(flags(&execution).contains(&"spawn-tool"), "{say}");
    });
}

#[test]
fn node_starts_programs() {
    let text = "const cp = require('child_process'); console.log(cp.execFileSync('uname').toString()); \
                cp.spawn('sh', ['-c', 'exit 3']).on('exit', (code) => console.log('code', code));";
    let Some(job) = node(text) else { return };
    for way in ways() {
        let execution = run(way, &job);
        assert_eq!(execution.spawns.total, 2, "{way:?} {execution:#?}");
        assert!(execution.output.contains("Linux") && execution.output.contains("code 3"), "{way:?} {execution:#?}");
    }
}

#[test]
fn a_program_in_memory_is_not_started() {
    let text = r#"
import ctypes, os
fd = os.memfd_create('payload')
os.write(fd, open('/usr/bin/true', 'rb').read())
if os.fork() == 0:
    argv = (ctypes.c_char_p * 2)(b'payload', None)
    ctypes.CDLL(None).syscall(322 if os.uname().machine == 'x86_64' else 281, fd, b'', argv, argv, 0x1000)
    os._exit(77)
print('execveat', os.waitstatus_to_exitcode(os.wait()[1]))
if os.fork() == 0:
    try:
        os.execv('/proc/self/fd/%d' % fd, ['payload'])
    except OSError:
        os._exit(78)
print('execve', os.waitstatus_to_exitcode(os.wait()[1]))
for folder in ('/tmp', os.environ['HOME'], os.environ['TMPDIR']):
    try:
        path = folder + '/program'
        open(path, 'wb').write(open('/usr/bin/true', 'rb').read())
        os.chmod(path, 0o755)
        os.posix_spawn(path, [path], {})
        print('started from', folder)
    except OSError:
        pass
"#;
    each(text, |way, execution| {
        let say = format!("{way:?} {execution:#?}");
        assert!(execution.output.contains("execveat 77") && execution.output.contains("execve 78"), "{say}");
        assert!(!execution.output.contains("started from"), "{say}");
        assert!(flags(&execution).contains(&"started-from-memory"), "{say}");
        assert!(execution.spawns.total >= 2, "{say}");
    });
}

#[test]
fn a_fork_bomb_is_bounded() {
    let text = r#"
import os, time
end = time.time() + 1
made = failed = 0
while time.time() < end:
    try:
        if os.fork() == 0:
            # Children fork too.
            while time.time() < end:
                try:
                    if os.fork() == 0:
                        time.sleep(30)
                except OSError:
                    time.sleep(0.01)
            time.sleep(30)
        made += 1
    except OSError:
        failed += 1
        time.sleep(0.005)
print('made', made, 'failed', failed)
"#;
    for way in ways() {
        let mut sandbox = crate::world::sandbox(way);
        sandbox.limits.tasks = 60;
        let execution = crate::world::run_in(&sandbox, way, &python(text));
        assert!(!execution.output.contains("failed 0\n"), "{way:?} {execution:#?}");
        if way.namespaces() {
            let tasks = execution.usage.tasks.expect("a count");
            assert!((20..2000).contains(&tasks), "{way:?} {execution:#?}");
        }
        assert!(flags(&execution).contains(&"daemonised"), "{way:?} {execution:#?}");
    }
}

/// The count of tasks is exact with namespaces.
#[test]
fn tasks_are_counted() {
    let text = "import os, threading\nfor _ in range(150):\n    if os.fork() == 0: os._exit(0)\n    os.wait()\n\
                for _ in range(50):\n    t = threading.Thread(target=lambda: None); t.start(); t.join()\n";
    for way in ways().into_iter().filter(|way| way.namespaces()) {
        let execution = run(way, &python(text));
        // The program itself, the thread that handed its filter over, and what it made.
        assert_eq!(execution.usage.tasks, Some(202), "{way:?} {execution:#?}");
    }
}

/// A second thread changes the arguments all the time: the number of starts is exact all the same.
#[test]
fn arguments_that_change_while_they_are_read_are_counted() {
    let text = r#"
import ctypes, os, threading
libc = ctypes.CDLL(None)
word = ctypes.create_string_buffer(b'aaaaaaaa')
stop = False
def flip():
    while not stop:
        ctypes.memmove(word, b'bbbbbbbb', 8)
        ctypes.memmove(word, b'aaaaaaaa', 8)
thread = threading.Thread(target=flip)
thread.start()
argv = (ctypes.c_char_p * 3)(b'true', ctypes.cast(word, ctypes.c_char_p), None)
envp = (ctypes.c_char_p * 1)(None)
spawn = libc.posix_spawn
for _ in range(100):
    pid = ctypes.c_int()
    spawn(ctypes.byref(pid), b'/usr/bin/true', None, None, ctypes.cast(argv, ctypes.c_void_p), ctypes.cast(envp, ctypes.c_void_p))
    os.waitpid(pid.value, 0)
stop = True
thread.join()
"#;
    each(text, |way, execution| {
        assert_eq!(execution.spawns.total, 100, "{way:?} {execution:#?}");
        assert_eq!(started(&execution, "true"), 100, "{way:?} {execution:#?}");
    });
}
