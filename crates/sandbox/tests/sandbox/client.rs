//! The client and the supervisor, when something is wrong with a request, the machine or each other.

use std::path::PathBuf;

use sigma_core::{CodeLanguage, Execution, ExecutionStatus, SandboxTier};
use sigma_sandbox::{Code, File, Kind, Tier};

use crate::world::{NOBODY, each, flags, node, python, run, run_in, sandbox, ways};

fn reason(execution: &Execution) -> &str {
    match &execution.status {
        ExecutionStatus::Completed => panic!("it ran: {execution:#?}"),
        ExecutionStatus::Skipped { reason } | ExecutionStatus::Error { reason } => {
            assert!(execution.tier.is_none() && execution.exercises.is_empty(), "{execution:#?}");
            reason
        }
    }
}

#[test]
fn a_supervisor_that_is_none_is_an_error() {
    let mut sandbox = sandbox(ways()[0]);
    for (supervisor, expect) in [
        (vec!["/does/not/exist"], "could not be started"),
        (vec!["true"], "ended without an answer"),
        (vec!["cat"], "an answer that is none"),
        (vec!["echo", r#"{"protocol": 1, "execution": {}}"#], "an answer that is none"),
        (vec!["head", "-c", "40000000", "/dev/zero"], "an answer that is none"),
        (vec![], "no supervisor"),
    ] {
        sandbox.supervisor = supervisor.into_iter().map(PathBuf::from).collect();
        let execution = sandbox.run(&python("pass"));
        assert!(matches!(execution.status, ExecutionStatus::Error { .. }), "{execution:#?}");
        assert!(reason(&execution).contains(expect), "{expect}: {}", reason(&execution));
    }
}

#[test]
fn a_request_that_is_wrong_is_refused() {
    let sandbox = sandbox(ways()[0]);
    for (entry, expect) in
        [("../x.py", "expected a path"), ("/etc/passwd", "expected a path"), ("no.py", "not among the files")]
    {
        let mut job = python("pass");
        job.entry = entry.to_owned();
        assert!(reason(&sandbox.run(&job)).contains(expect), "{entry}");
    }
    let mut job = python("pass");
    job.code = Code::Files { files: vec![File { path: "../../etc/x".to_owned(), bytes: Vec::new() }] };
    assert!(reason(&sandbox.run(&job)).contains("expected a path"));
    // Requests are strict: an unknown word is not passed over.
    let ask = |text: &str| {
        use std::io::Write as _;
        let mut child = std::process::Command::new(&sandbox.supervisor[0])
            .args(&sandbox.supervisor[1..])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("input").write_all(text.as_bytes()).expect("it reads");
        String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("text")
    };
    assert!(ask("").contains("a request that is none"));
    assert!(ask("{\"protocol\": 1, \"surprise\": true}").contains("unknown field"));
    assert!(ask(&"[".repeat(100_000)).contains("a request that is none"));
}

/// A process can be watched by one supervisor only. Below another one, here a filter that allows everything, no tier is to
/// be had, and nothing is run.
#[test]
fn where_nothing_isolates_nothing_is_run() {
    let script = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
allow = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(struct.pack('HP', 1, ctypes.addressof(allow)))
fd = libc.syscall(317 if os.uname().machine == 'x86_64' else 277, 1, 8, program)
assert fd >= 0, ctypes.get_errno()
os.set_inheritable(fd, True)
os.execv(sys.argv[1], sys.argv[1:])
"#;
    for way in ways() {
        let mut sandbox = sandbox(way);
        let python = sandbox.interpreters.python.clone().expect("Python");
        let under = [python.program, "-c".into(), script.into()];
        sandbox.supervisor = under.into_iter().chain(sandbox.supervisor).collect();
        sandbox.tier = Tier::Auto;
        let execution = sandbox.run(&crate::world::python("print('it ran')"));
        assert!(matches!(execution.status, ExecutionStatus::Skipped { .. }), "{way:?} {execution:#?}");
        assert!(reason(&execution).contains("the system call filter"), "{way:?} {execution:#?}");
    }
}

#[test]
fn without_an_interpreter_it_is_skipped() {
    let mut sandbox = sandbox(ways()[0]);
    sandbox.interpreters.python = None;
    let execution = sandbox.run(&python("pass"));
    assert!(matches!(execution.status, ExecutionStatus::Skipped { .. }));
    assert_eq!(reason(&execution), "Python 3 was not found on this machine, or does not start");
}

#[test]
fn the_best_tier_is_taken_and_told() {
    let all = ways();
    for root in [true, false] {
        let Some(best) = all.iter().filter(|way| way.root == root).min_by_key(|way| way.tier) else { continue };
        let mut sandbox = sandbox(*best);
        sandbox.tier = Tier::Auto;
        let execution = sandbox.run(&python("pass"));
        assert_eq!(execution.tier, Some(best.tier), "{execution:#?}");
        assert_eq!(best.tier == SandboxTier::Filtered, execution.description.contains("Namespaces were not to be had"));
    }
}

#[test]
fn a_folder_and_its_dependencies_are_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, packages) = (folder.path().join("code"), folder.path().join("packages"));
    std::fs::create_dir_all(code.join("tool")).expect("a folder");
    std::fs::create_dir_all(packages.join("library")).expect("a folder");
    std::fs::write(code.join("tool/__init__.py"), "").expect("a file");
    std::fs::write(code.join("tool/other.py"), "name = 'relative'").expect("a file");
    std::fs::write(
        code.join("tool/main.py"),
        "import library, os\nfrom .other import name\nprint(name, library.value)\n\
         for target in (__file__, library.__file__):\n    try:\n        open(target, 'a')\n        print('changed')\n    \
         except OSError:\n        print('read-only')\n",
    )
    .expect("a file");
    std::fs::write(packages.join("library/__init__.py"), "value = 'installed'").expect("a file");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    for way in ways() {
        let mut job = python("");
        job.code = Code::Folder { path: code.clone() };
        job.entry = "tool/main.py".to_owned();
        job.dependencies = Some(packages.clone());
        let execution = run(way, &job);
        assert!(execution.output.contains("relative installed\nread-only\nread-only"), "{way:?} {execution:#?}");
    }
    let Some(mut job) = node("console.log(require('library'));") else { return };
    std::fs::write(packages.join("library/index.js"), "module.exports = 'installed for node';").expect("a file");
    for way in ways() {
        job.dependencies = Some(packages.clone());
        let execution = run(way, &job);
        assert!(execution.output.contains("installed for node"), "{way:?} {execution:#?}");
    }
}

/// Who runs it, and as whom.
#[test]
fn programs_run_as_nobody() {
    let text = "import os\nprint('user', os.getuid(), os.getgid(), os.getgroups())\n\
                print([line for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew', 'Seccomp:'))] \
                if os.access('/proc/self/status', os.R_OK) else '')";
    each(text, |way, execution| {
        let expect = if way.namespaces() { 1000 } else { NOBODY };
        if way.root || way.namespaces() {
            assert!(execution.output.contains(&format!("user {expect} {expect} ")), "{way:?} {execution:#?}");
        }
        if way.namespaces() {
            for line in
                ["CapEff:\\\\t0000000000000000", "CapBnd:\\\\t0000000000000000", "NoNewPrivs:\\\\t1", "Seccomp:\\\\t2"]
            {
                let line = line.replace("\\\\", "\\");
                assert!(execution.output.contains(&line), "{line}: {way:?} {execution:#?}");
            }
        }
    });
}

#[test]
fn typescript_needs_a_node_that_runs_it() {
    let Some(mut job) = node("const x: number = 3; console.log(x);") else { return };
    let Code::Files { files } = &mut job.code else { panic!("files") };
    files[0].path = "main.ts".to_owned();
    job.entry = "main.ts".to_owned();
    let mut sandbox = sandbox(ways()[0]);
    let execution = sandbox.run(&job);
    match &execution.status {
        ExecutionStatus::Skipped { reason } => assert!(reason.contains("TypeScript"), "{reason}"),
        ExecutionStatus::Completed => assert!(execution.output.contains('3'), "{execution:#?}"),
        other => panic!("{other:?}"),
    }
    if let Some(node) = &mut sandbox.interpreters.node {
        node.version = "Node.js 18.0.0".to_owned();
    }
    assert!(matches!(sandbox.run(&job).status, ExecutionStatus::Skipped { .. }));
}

/// On Node.js 22, which leaves the types out: programs, modules, and what it does not do.
#[test]
fn typescript_runs_on_a_node_that_knows_it() {
    let Some(node_22) = crate::world::node_22() else {
        eprintln!("SKIPPED: SIGMA_TEST_NODE22 names no Node.js");
        return;
    };
    let job = |path: &str, text: &str| {
        let bytes = text.as_bytes().to_vec();
        let code = Code::Files { files: vec![File { path: path.to_owned(), bytes }] };
        let mut job = node("").expect("a job");
        (job.code, job.entry, job.kind) = (code, path.to_owned(), Kind::Auto);
        job
    };
    let connect = "import net from 'node:net';\ninterface Place { host: string; port: number }\n\
                   const place: Place = { host: '192.0.2.7', port: 4444 };\n\
                   net.connect(place.port, place.host).on('error', () => console.log('gone' as string));\n";
    let module = "export function add(a: number, b: number): number { return a + b; }\n\
                  export const shout = (word: string): string => word.toUpperCase();\n";
    for way in ways() {
        let mut sandbox = sandbox(way);
        sandbox.interpreters.node = Some(node_22.clone());
        for path in ["main.mts", "src/main.mts"] {
            let execution = run_in(&sandbox, way, &job(path, connect));
            assert!(crate::world::tried(&execution, "tcp", "192.0.2.7:4444"), "{way:?} {path} {execution:#?}");
        }
        let common =
            job("main.cts", "const net: typeof import('net') = require('net');\nconsole.log(typeof net.connect);\n");
        let execution = run_in(&sandbox, way, &common);
        assert!(execution.output.contains("function"), "{way:?} {execution:#?}");
        // Functions are called, and counted, in the source as it was written.
        let execution = run_in(&sandbox, way, &job("index.ts", module));
        assert_eq!((execution.functions_reached, execution.functions_total), (2, Some(2)), "{way:?} {execution:#?}");
        // What is more than types is no program without a compiler, and that is told.
        let execution = run_in(&sandbox, way, &job("enum.ts", "enum Colour { Red }\nconsole.log(Colour.Red);\n"));
        assert!(execution.exercises.iter().all(|one| one.outcome != "exit 0"), "{way:?} {execution:#?}");
    }
}

#[test]
fn a_harness_of_ones_own_is_run_inside() {
    for way in ways() {
        let mut job = python("def double(n): return 2 * n");
        job.harness =
            Some("import runpy, sys\nprint(runpy.run_path(sys.argv[1])['double'](21))\nopen('/etc/x', 'w')".to_owned());
        let execution = run_in(&sandbox(way), way, &job);
        assert!(execution.output.contains("42"), "{way:?} {execution:#?}");
        assert_eq!(execution.exercises[0].what, "ran a harness of its own", "{execution:#?}");
        assert!(flags(&execution).contains(&"write-outside"), "{way:?} {execution:#?}");
        assert_eq!((job.language, job.kind), (CodeLanguage::Python, Kind::Cli));
    }
}

/// Starts a supervisor for each connection, as systemd does with `Accept=yes` and `StandardInput=socket`; gives the socket's path.
fn listen(way: crate::world::Way, folder: &tempfile::TempDir) -> PathBuf {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || {
        let command = crate::world::supervisor(way.root);
        for stream in listener.incoming() {
            let stream = OwnedFd::from(stream.expect("a connection"));
            let input = stream.try_clone().expect("a descriptor");
            let mut start = Command::new(&command[0]);
            start.args(&command[1..]).stdin(Stdio::from(input)).stdout(Stdio::from(stream)).stderr(Stdio::null());
            let mut child = start.spawn().expect("a supervisor");
            drop(start);
            // It ends by itself, also where nobody waits for its answer any more.
            std::thread::spawn(move || child.wait());
        }
    });
    path
}

#[test]
fn a_supervisor_answers_behind_a_socket() {
    let as_root = std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
    for way in ways() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sandbox = sigma_sandbox::Sandbox::behind(listen(way, &folder)).expect("it answers");
        // Root may ask anybody's; what PATH has may be readable by root alone, so that the run has one that everybody can start.
        assert!(sandbox.interpreters.python.is_some());
        let direct = crate::world::sandbox(way);
        sandbox.interpreters.clone_from(&direct.interpreters);
        sandbox.tier = direct.tier;
        let execution = run_in(&sandbox, way, &python("import socket\nsocket.create_connection(('192.0.2.1', 80), 2)"));
        assert_eq!(execution.network.total, 1, "{way:?} {execution:#?}");

        // The asker is gone: so is the run.
        let marker = format!("behind-{}-{way:?}", std::process::id());
        let job = python(&format!(
            "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', '{marker}'])\ntime.sleep(600)"
        ));
        let request = sigma_sandbox::Request {
            protocol: sigma_sandbox::PROTOCOL,
            job,
            interpreter: direct.interpreters.python.clone().expect("Python"),
            limits: direct.limits.clone(),
            tier: direct.tier,
            read_only: Vec::new(),
            cgroup: None,
        };
        let mut stream = std::os::unix::net::UnixStream::connect(folder.path().join("socket")).expect("a connection");
        let text = serde_json::to_vec(&request).expect("JSON");
        std::io::Write::write_all(&mut stream, &text).expect("it is read");
        stream.shutdown(std::net::Shutdown::Write).expect("it is all");
        let wait = |count: usize| {
            let since = std::time::Instant::now();
            while crate::limits::holding(&marker) != count && since.elapsed() < std::time::Duration::from_secs(20) {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            crate::limits::holding(&marker)
        };
        assert_eq!(wait(1), 1, "{way:?}: it runs, although the asker has said all");
        drop(stream);
        assert_eq!(wait(0), 0, "{way:?}: nothing is left");
    }
    // A stranger, here root's supervisor asked by another user, is not served.
    if as_root {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("its mode")
        };
        let path = listen(crate::world::Way { root: true, tier: SandboxTier::Namespaces }, &folder);
        open(folder.path(), 0o755);
        open(&path, 0o666);
        let script = format!(
            "import os, socket, sys\nos.setgroups([])\nos.setresgid({NOBODY}, {NOBODY}, {NOBODY})\nos.setresuid({NOBODY}, {NOBODY}, {NOBODY})\n\
             s = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.sendall(b'{{}}')\ns.shutdown(1)\nprint(s.makefile().read())"
        );
        let asked = std::process::Command::new("python3").args(["-c", &script]).arg(&path).output().expect("Python");
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(said.contains("serves its own user only"), "{said} {}", String::from_utf8_lossy(&asked.stderr));
    }
}

#[test]
fn nobody_behind_a_socket_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    assert!(sigma_sandbox::Sandbox::behind(path.clone()).is_err());
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let error = sigma_sandbox::Sandbox::behind(path).expect_err("it hangs up");
    assert!(error.contains("supervisor"), "{error}");
}
