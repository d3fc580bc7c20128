//! Time, memory, and what stays behind.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sigma_sandbox::{PROTOCOL, Request};

use crate::world::{each, flags, node, python, run_in, sandbox, supervisor, ways};

#[test]
fn time_runs_out() {
    let text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('begun', flush=True)\ntime.sleep(600)";
    for way in ways() {
        let mut sandbox = sandbox(way);
        sandbox.limits.wall_ms = 700;
        let execution = run_in(&sandbox, way, &python(text));
        assert_eq!(execution.exercises[0].outcome, "still running at the limit", "{way:?} {execution:#?}");
        assert!(
            execution.output.contains("begun") && flags(&execution).contains(&"time-limit"),
            "{way:?} {execution:#?}"
        );
    }
}

#[test]
fn starts_share_the_time() {
    for way in ways() {
        let mut sandbox = sandbox(way);
        sandbox.limits.wall_ms = 1500;
        let mut job = python("import sys, time\nif 'fast' not in sys.argv: time.sleep(600)");
        job.arguments = Some(vec![vec![], vec!["fast".to_owned()], vec!["slow".to_owned()]]);
        let execution = run_in(&sandbox, way, &job);
        let outcomes: Vec<&str> = execution.exercises.iter().map(|exercise| exercise.outcome.as_str()).collect();
        let expect = ["still running at the limit", "exit 0", "still running at the limit"];
        assert_eq!(outcomes, expect, "{way:?} {execution:#?}");
    }
}

#[test]
fn memory_runs_out() {
    // One process alone, by the limit of each; many together, by the watchdog or the control group.
    let one = "data = []\nwhile True: data.append(bytearray(b'x' * (8 << 20)))";
    let many = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        data = bytearray(b'x' * (100 << 20))\n        \
                time.sleep(60)\ntime.sleep(60)";
    let shared = "import mmap\nparts = []\nwhile True:\n    part = mmap.mmap(-1, 16 << 20)\n    part.write(b'x' * (16 << 20))\n    \
                  parts.append(part)";
    // What is used before the watchdog looks again is the overshoot: on a busy machine as much as the processes may have, each its limit.
    let limit = 256 << 20;
    for way in ways() {
        for (text, hit, most) in [(one, false, 2 * limit), (many, true, 9 * limit), (shared, true, 4 * limit)] {
            let mut sandbox = sandbox(way);
            sandbox.limits.memory = limit;
            sandbox.limits.wall_ms = 20_000;
            let execution = run_in(&sandbox, way, &python(text));
            let outcome = &execution.exercises[0].outcome;
            assert!(outcome == "exit 1" || outcome == "ended at the limit of memory", "{way:?} {text}: {execution:#?}");
            assert_eq!(flags(&execution).contains(&"memory-limit"), hit, "{way:?} {text}: {execution:#?}");
            let peak = execution.usage.peak_memory.expect("a figure");
            assert!(peak > 100 << 20 && peak < most, "{way:?} {text}: {execution:#?}");
        }
    }
}

#[test]
fn memory_files_are_bounded() {
    let text = "import os\nmade = 0\ntry:\n    for _ in range(100):\n        fd = os.memfd_create('x')\n        made += 1\n        \
                os.write(fd, b'x' * (40 << 20))\nexcept OSError as error:\n    print('made', made, error.errno)";
    each(text, |way, execution| {
        assert!(execution.output.contains("made 16 12"), "{way:?} {execution:#?}");
    });
}

#[test]
fn what_goes_on_after_the_end_is_killed() {
    let text = r#"
import os, signal, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (1, 2, 3, 13, 15):
                signal.signal(number, signal.SIG_IGN)
            os.closerange(0, 3)
            while True:
                time.sleep(1)
        os._exit(0)
print('the parent ends')
"#;
    each(text, |way, execution| {
        assert_eq!(execution.exercises[0].outcome, "exit 0", "{way:?} {execution:#?}");
        assert!(flags(&execution).contains(&"daemonised"), "{way:?} {execution:#?}");
        assert!(execution.description.contains("3 processes went on"), "{way:?} {execution:#?}");
        assert!(execution.usage.wall_ms < 15_000, "{way:?} {execution:#?}");
    });
}

/// Processes of this machine whose command line holds a text.
pub fn holding(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    all.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
    .count()
}

#[test]
fn nothing_outlives_a_killed_supervisor_or_whoever_asked_it() {
    for (way, asker) in ways().into_iter().flat_map(|way| [(way, false), (way, true)]) {
        let marker = format!("marker-{}-{}-{:?}-{asker}", std::process::id(), way.root, way.tier);
        let text = format!(
            "import os, subprocess, sys, time\n\
             for _ in range(3):\n    subprocess.Popen([sys.executable, '-c', 'import os, time; os.setsid(); time.sleep(600)', '{marker}'])\n\
             if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(600)', '{marker}'])\n    os._exit(0)\n\
             time.sleep(600)"
        );
        let sandbox = sandbox(way);
        let request = Request {
            protocol: PROTOCOL,
            job: python(&text),
            interpreter: sandbox.interpreters.python.expect("Python"),
            limits: sandbox.limits,
            tier: sandbox.tier,
            read_only: Vec::new(),
            cgroup: None,
        };
        let command = supervisor(way.root);
        // The shell is a program that asks a supervisor, and is killed in its stead.
        let mut start = match asker {
            true => Command::new("sh"),
            false => Command::new(&command[0]),
        };
        match asker {
            true => start.args(["-c", "\"$@\"; exit $?", "sh"]).args(&command),
            false => start.args(&command[1..]),
        };
        let mut child = start.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the supervisor starts");
        child.stdin.take().expect("input").write_all(&serde_json::to_vec(&request).expect("JSON")).expect("it reads");
        let wait = |count: usize| {
            let since = Instant::now();
            while holding(&marker) != count && since.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(10));
            }
            holding(&marker)
        };
        assert_eq!(wait(4), 4, "{way:?}: they run");
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
        assert_eq!(wait(0), 0, "{way:?}: none is left");
        let files = || {
            let all = std::fs::read_dir("/tmp").expect("/tmp").flatten().map(|entry| entry.path().join("app/main.py"));
            all.filter(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains(&marker))).count()
        };
        let since = Instant::now();
        while files() > 0 && since.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(files(), 0, "{way:?}: no file is left");
    }
}

#[test]
fn node_has_its_limits() {
    let Some(job) = node("const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1));") else { return };
    for way in ways() {
        let mut sandbox = sandbox(way);
        sandbox.limits.memory = 256 << 20;
        let execution = run_in(&sandbox, way, &job);
        assert_ne!(execution.exercises[0].outcome, "exit 0", "{way:?} {execution:#?}");
        assert!(execution.usage.peak_memory.expect("a figure") < 1 << 30, "{way:?} {execution:#?}");
    }
}
