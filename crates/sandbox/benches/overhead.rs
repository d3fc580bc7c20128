//! What isolation costs, against a plain start of the same program in the same run. Ratios, not times, carry over to other
//! machines. `cargo bench -p sigma-sandbox`.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("running code in isolation needs Linux");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use sigma_core::{CodeLanguage, ExecutionStatus};
    use sigma_sandbox::{Code, File, Job, Kind, Sandbox, Tier};

    /// Times of two kinds of run, one after the other in turns, so that what else the machine does meets both. Of each, the
    /// fastest: the one that was disturbed least.
    fn pair(runs: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            for (times, run) in [(&mut ones, &mut one as &mut dyn FnMut()), (&mut others, &mut other)] {
                let since = Instant::now();
                run();
                times.push(since.elapsed());
            }
        }
        ones.sort();
        others.sort();
        (ones[0], others[0])
    }

    /// A job without the harness: the program alone, as in the plain start.
    fn job(language: CodeLanguage, text: &str) -> Job {
        Job {
            language,
            code: Code::Files { files: vec![File { path: "main".to_owned(), bytes: Vec::new() }] },
            entry: "main".to_owned(),
            kind: Kind::Cli,
            dependencies: None,
            declared_hosts: Vec::new(),
            arguments: None,
            harness: Some(text.to_owned()),
        }
    }

    fn sandboxed(sandbox: &Sandbox, job: &Job) {
        let execution = sandbox.run(job);
        assert_eq!(execution.status, ExecutionStatus::Completed, "{execution:#?}");
        assert_eq!(execution.exercises[0].outcome, "exit 0", "{execution:#?}");
    }

    pub fn main() {
        let mut sandbox = Sandbox::new(vec![env!("CARGO_BIN_EXE_sigma-sandbox").into()]);
        // Without namespaces, the user that code runs as must be able to read the interpreter where it is.
        if let Ok(python) = sigma_sandbox::Interpreter::locate(CodeLanguage::Python, "/usr/bin/python3") {
            sandbox.interpreters.python = Some(python);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let busy_python = "total = 0\nfor number in range(6_000_000): total += number * number\n";
        let busy_node = "let total = 0; for (let n = 0; n < 40_000_000; n++) total = (total + n * n) % 1000003;";
        for tier in [Tier::Namespaces, Tier::Filtered] {
            sandbox.tier = tier;
            println!("{tier:?}");
            for (language, empty, busy) in
                [(CodeLanguage::Python, "pass\n", busy_python), (CodeLanguage::Node, ";", busy_node)]
            {
                let interpreter = match language {
                    CodeLanguage::Python => sandbox.interpreters.python.clone(),
                    CodeLanguage::Node => sandbox.interpreters.node.clone(),
                };
                let Some(interpreter) = interpreter else { continue };
                let plain = |text: &str| {
                    let file = folder.path().join("main.cjs");
                    std::fs::write(&file, text).expect("a file");
                    let status = Command::new(&interpreter.program)
                        .arg(&file)
                        .env_clear()
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .status()
                        .expect("it starts");
                    assert!(status.success());
                };
                let start = job(language, empty);
                if let ExecutionStatus::Skipped { reason } = sandbox.run(&start).status {
                    println!("  not to be had here: {reason}");
                    break;
                }
                let (floor, with) = pair(81, || plain(empty), || sandboxed(&sandbox, &start));
                let extra = milliseconds(with) - milliseconds(floor);
                println!(
                    "  {:<16} start: plain {:.1} ms, isolated {:.1} ms, {extra:.1} ms more (goal: 15)",
                    interpreter.version,
                    milliseconds(floor),
                    milliseconds(with)
                );
                let work = job(language, busy);
                let (floor, with) = pair(11, || plain(busy), || sandboxed(&sandbox, &work));
                let without_start = |time: Duration, more: f64| milliseconds(time) - more;
                println!(
                    "  {:<16} processor: {:.3} of a plain run (goal: within 1.05)",
                    interpreter.version,
                    without_start(with, extra) / milliseconds(floor)
                );
            }
            // Trapped calls: each is a file opened for writing, in a loop whose plain cost is taken off.
            let calls = "import os\nfor _ in range(10_000): os.close(os.open('/dev/full', os.O_WRONLY))\n";
            let none = "import os\nfor _ in range(10_000): os.close(os.open('/dev/full', os.O_RDONLY))\n";
            let (trapped, floor) = (job(CodeLanguage::Python, calls), job(CodeLanguage::Python, none));
            let (with, without) = pair(11, || sandboxed(&sandbox, &trapped), || sandboxed(&sandbox, &floor));
            println!(
                "  10,000 trapped calls: {:.0} ms, {:.1} times the untrapped loop (goal: 500 ms)",
                milliseconds(with.saturating_sub(without)),
                with.as_secs_f64() / without.as_secs_f64()
            );
            let connects = job(
                CodeLanguage::Python,
                "import socket\nfor n in range(10_000):\n    s = socket.socket(); s.setblocking(False)\n    \
                 s.connect_ex(('192.0.2.1', 80)); s.close()\n",
            );
            let (with, without) = pair(5, || sandboxed(&sandbox, &connects), || sandboxed(&sandbox, &floor));
            println!("  10,000 connections tried: {:.0} ms", milliseconds(with.saturating_sub(without)));
        }
    }
}
