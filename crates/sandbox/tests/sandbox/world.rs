//! The machine as the tests find it: supervisors, users, interpreters.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use sigma_core::{CodeLanguage, Execution, ExecutionStatus, SandboxTier};
use sigma_sandbox::{Code, File, Interpreter, Interpreters, Job, Kind, Limits, Sandbox, Tier};

/// The user of the runs that are not root's.
pub const NOBODY: u32 = 65_534;

/// One way to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Whether the supervisor is root.
    pub root: bool,
    pub tier: SandboxTier,
}

impl Way {
    pub fn namespaces(self) -> bool {
        self.tier == SandboxTier::Namespaces
    }
}

/// What all tests share: a folder that every user can read, with the supervisor and, where the installed one cannot be read
/// by others, an interpreter.
struct Shared {
    supervisor: PathBuf,
    python: Interpreter,
    node: Option<Interpreter>,
    /// Node.js that runs TypeScript, where `SIGMA_TEST_NODE22` names one.
    node_22: Option<Interpreter>,
    folder: PathBuf,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = tempfile::Builder::new().prefix("sigma-test-").tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let supervisor = folder.path().join("sigma-sandbox");
    std::fs::copy(env!("CARGO_BIN_EXE_sigma-sandbox"), &supervisor).expect("a copy of the supervisor");
    let python = ["python3", "/usr/bin/python3"].into_iter().filter_map(|name| {
        Interpreter::locate(CodeLanguage::Python, name).ok().filter(|python| is_public(&python.program))
    });
    let python = python.into_iter().next().expect("a Python 3 that every user may start");
    let public = |mut node: Interpreter, name: &str| {
        if !is_public(&node.program) {
            let prefix = folder.path().join(name);
            std::fs::create_dir_all(prefix.join("bin")).expect("a folder");
            std::fs::copy(&node.program, prefix.join("bin/node")).expect("a copy of Node.js");
            node.program = prefix.join("bin/node");
            node.prefix = Some(prefix);
        }
        node
    };
    let node = Interpreter::locate(CodeLanguage::Node, "node").ok().map(|node| public(node, "node"));
    let node_22 = std::env::var_os("SIGMA_TEST_NODE22").map(|path| {
        let node = Interpreter::locate(CodeLanguage::Node, path).expect("SIGMA_TEST_NODE22 is Node.js");
        public(node, "node-22")
    });
    // A static is never dropped: the folder goes when the process does.
    extern "C" fn remove() {
        let _ = std::fs::remove_dir_all(&SHARED.folder);
    }
    // SAFETY: the function is there until the end, and takes nothing.
    unsafe { libc::atexit(remove) };
    Shared { supervisor, python, node, node_22, folder: folder.keep() }
});

/// Whether every user may start this program.
fn is_public(program: &Path) -> bool {
    program.ancestors().all(|path| std::fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o5 == 0o5))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The command that starts a supervisor, as root or as an ordinary user.
pub fn supervisor(root: bool) -> Vec<PathBuf> {
    if root || !is_root() {
        return vec![SHARED.supervisor.clone()];
    }
    let script = format!(
        "import os, sys; os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); \
         os.setresuid({NOBODY}, {NOBODY}, {NOBODY}); os.execv(sys.argv[1], sys.argv[1:])"
    );
    vec![SHARED.python.program.clone(), "-c".into(), script.into(), SHARED.supervisor.clone()]
}

pub fn sandbox(way: Way) -> Sandbox {
    Sandbox {
        supervisor: supervisor(way.root),
        socket: None,
        limits: Limits::default(),
        interpreters: Interpreters { python: Some(SHARED.python.clone()), node: SHARED.node.clone() },
        tier: if way.namespaces() { Tier::Namespaces } else { Tier::Filtered },
        read_only: Vec::new(),
        cgroup: None,
    }
}

/// Node.js 22 or later, where there is one.
pub fn node_22() -> Option<Interpreter> {
    SHARED.node_22.clone()
}

/// The ways that this machine has. A way that it has not is said, and at least one is there.
pub fn ways() -> Vec<Way> {
    static WAYS: LazyLock<Vec<Way>> = LazyLock::new(|| {
        let roots: &[bool] = if is_root() { &[true, false] } else { &[false] };
        let mut ways = Vec::new();
        for root in roots {
            for tier in [SandboxTier::Namespaces, SandboxTier::Filtered] {
                let way = Way { root: *root, tier };
                match sandbox(way).run(&python("print('ready')")).status {
                    ExecutionStatus::Completed => ways.push(way),
                    other => eprintln!("SKIPPED on this machine, {way:?}: {other:?}"),
                }
            }
        }
        assert!(!ways.is_empty(), "this machine can isolate nothing");
        ways
    });
    WAYS.clone()
}

fn job(language: CodeLanguage, entry: &str, text: &str) -> Job {
    Job {
        language,
        code: Code::Files { files: vec![File { path: entry.to_owned(), bytes: text.as_bytes().to_vec() }] },
        entry: entry.to_owned(),
        kind: Kind::Cli,
        dependencies: None,
        declared_hosts: Vec::new(),
        arguments: Some(vec![Vec::new()]),
        harness: None,
    }
}

/// A Python program, started once.
pub fn python(text: &str) -> Job {
    job(CodeLanguage::Python, "main.py", text)
}

/// A Node.js program, started once; nothing where Node.js is missing, which is said.
pub fn node(text: &str) -> Option<Job> {
    if SHARED.node.is_none() {
        eprintln!("SKIPPED: Node.js is not on PATH");
        return None;
    }
    Some(job(CodeLanguage::Node, "main.js", text))
}

/// Two cores are enough for two runs at a time; more would only make clocks run out.
static TURNS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

pub fn run(way: Way, job: &Job) -> Execution {
    run_in(&sandbox(way), way, job)
}

/// Runs it, and checks what holds of every run.
pub fn run_in(sandbox: &Sandbox, way: Way, job: &Job) -> Execution {
    let _turn = TURNS.iter().find_map(|turn| turn.try_lock().ok());
    let execution = sandbox.run(job);
    assert_eq!(execution.status, ExecutionStatus::Completed, "{way:?}: {execution:#?}");
    assert_eq!(execution.tier, Some(way.tier), "{execution:#?}");
    assert!(execution.network.listed.len() <= sandbox.limits.listed, "{execution:#?}");
    assert!(execution.spawns.listed.len() <= sandbox.limits.listed, "{execution:#?}");
    assert!(execution.writes.listed.len() <= sandbox.limits.listed, "{execution:#?}");
    assert!(execution.output.len() as u64 <= sandbox.limits.output * 2, "{} bytes", execution.output.len());
    execution
}

/// Runs a Python program in every way.
pub fn each(text: &str, mut check: impl FnMut(Way, Execution)) {
    for way in ways() {
        check(way, run(way, &python(text)));
    }
}

pub fn flags(execution: &Execution) -> Vec<&str> {
    execution.flags.iter().map(|flag| flag.code.as_str()).collect()
}

/// Whether an attempt of this protocol was listed, to a destination with this beginning.
pub fn tried(execution: &Execution, protocol: &str, to: &str) -> bool {
    execution.network.listed.iter().any(|attempt| {
        attempt.protocol == protocol && attempt.destination.as_deref().unwrap_or_default().starts_with(to)
    })
}

/// The figure behind a name in `/proc/PID/status`, kilobytes.
pub fn status_kilobytes(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start_matches(':').trim().strip_suffix(" kB")?.parse().ok())
}
