//! Floods cost a counter, not memory.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use sigma_core::Execution;
use sigma_sandbox::{Job, PROTOCOL, Request, Response};

use crate::world::{each, python, sandbox, status_kilobytes, supervisor, ways};

/// Runs a job by hand, and gives the most memory that the supervisor had, kilobytes.
fn watched(way: crate::world::Way, job: Job) -> (Execution, u64) {
    let sandbox = sandbox(way);
    let request = Request {
        protocol: PROTOCOL,
        job,
        interpreter: sandbox.interpreters.python.expect("Python"),
        limits: sandbox.limits,
        tier: sandbox.tier,
        read_only: Vec::new(),
        cgroup: None,
    };
    let command = supervisor(way.root);
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the supervisor starts");
    let pid = child.id();
    child.stdin.take().expect("input").write_all(&serde_json::to_vec(&request).expect("JSON")).expect("it reads");
    let output = child.stdout.take().expect("output");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        output.take(16 << 20).read_to_end(&mut text).map(|_| text)
    });
    let mut most = 0;
    while child.try_wait().expect("a state").is_none() {
        most = most.max(status_kilobytes(pid, "VmHWM").unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = reader.join().expect("a thread").expect("an answer");
    assert!(text.len() < 1 << 20, "an answer of {} bytes", text.len());
    (serde_json::from_slice::<Response>(&text).expect("a response").execution, most)
}

/// Beyond what the supervisor needs for nothing, kilobytes.
const ROOM: u64 = 24 << 10;

#[test]
fn a_gigabyte_of_output_is_counted_and_dropped() {
    let text = "import os\npiece = b'x' * (1 << 20)\nfor _ in range(1024):\n    os.write(1, piece)\n\
                os.write(2, b'done')";
    let way = ways()[0];
    let (quiet, before) = watched(way, python("pass"));
    let (execution, most) = watched(way, python(text));
    assert_eq!(quiet.usage.output_bytes, 0);
    // The pipe may take less than a megabyte at once; the program then writes less, which is counted all the same.
    assert!(execution.usage.output_bytes > 4, "{execution:#?}");
    assert_eq!(execution.exercises[0].outcome, "exit 0", "{execution:#?}");
    assert_eq!(execution.usage.output_bytes, (1 << 30) + 4, "{execution:#?}");
    assert!(most < before + ROOM, "{most} kB against {before} kB");
}

/// Every attempt is counted, the list stays short, memory too. Twenty thousand here, so that a debug build is done in
/// seconds; the cost of each is the same for a million.
#[test]
fn a_flood_of_attempts_is_counted() {
    let text = r#"
import os, socket
for number in range(10000):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(('10.%d.%d.1' % (number // 250, number % 250), number + 1))
    s.close()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(5000):
    udp.sendto(b'x', ('192.0.2.1', number + 1000))
for number in range(5000):
    try:
        os.mkdir('/etc/%d' % number)
    except OSError:
        pass
"#;
    for way in ways() {
        let (_, before) = watched(way, python("pass"));
        let (execution, most) = watched(way, python(text));
        assert_eq!(execution.network.total, 15_000, "{way:?} {:?}", execution.exercises);
        assert_eq!(execution.writes.total, 5_000, "{way:?}");
        assert_eq!((execution.network.listed.len(), execution.writes.listed.len()), (100, 100));
        assert!(execution.flags.iter().any(|flag| flag.code == "flood"), "{:?}", execution.flags);
        assert!(most < before + ROOM, "{way:?}: {most} kB against {before} kB");
    }
}

/// Names that are looked up are bounded too.
#[test]
fn a_flood_of_names_is_counted() {
    let text = r#"
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(('127.0.0.53', 53))
for number in range(3000):
    s.send(struct.pack('!6H', number, 256, 1, 0, 0, 0) + b'\x05%05d\x07example\x00' % number + struct.pack('!2H', 1, 1))
    try:
        s.recv(512)
    except OSError as error:
        print(number, error)
        break
"#;
    for way in ways().into_iter().filter(|way| way.namespaces()) {
        let execution = crate::world::run(way, &python(text));
        assert_eq!(execution.network.total, 3000, "{way:?} {execution:#?}");
        assert_eq!(execution.network.listed.len(), 100);
    }
}

/// Signals do not make calls fail or count twice.
#[test]
fn a_flood_of_signals_changes_no_count() {
    let text = r#"
import os, signal, subprocess, threading
hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
failed = 0
for number in range(1000):
    try:
        os.close(os.open(os.environ['TMPDIR'] + '/file%d' % (number % 5), os.O_WRONLY | os.O_CREAT))
    except OSError:
        failed += 1
for _ in range(20):
    if subprocess.run('echo x | cat | cat', shell=True, stdout=subprocess.DEVNULL).returncode:
        failed += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print('failed', failed, 'signals', len(hits) > 50)
"#;
    each(text, |way, execution| {
        assert!(execution.output.contains("failed 0 signals True"), "{way:?} {execution:#?}");
        assert_eq!(execution.writes.total, 1000, "{way:?} {execution:#?}");
    });
}
