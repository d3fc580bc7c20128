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
    assert_eq!(reason(&execution), "Python 3 was not found on this machine");
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
